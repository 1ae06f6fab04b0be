/** Over both transports. */
import './slack-deletions.test.ts';
