/** Over HTTP. */
import './slack.test.ts';
