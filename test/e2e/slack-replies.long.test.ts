/** Over HTTP. */
import './slack-replies.test.ts';
