/** Over HTTP. */
import './slack-deletions.test.ts';
