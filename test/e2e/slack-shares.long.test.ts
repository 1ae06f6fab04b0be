/** Over both transports. */
import './slack-shares.test.ts';
