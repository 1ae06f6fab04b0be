/** Over HTTP. */
import './slack-lost.test.ts';
