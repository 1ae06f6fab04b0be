/** Over both transports. */
import './slack.test.ts';
