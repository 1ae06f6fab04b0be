/** Over both transports. */
import './slack-replies.test.ts';
