/** Over both transports. */
import './slack-lost.test.ts';
