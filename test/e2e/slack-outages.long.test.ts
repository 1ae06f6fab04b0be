/** Over both transports. */
import './slack-outages.test.ts';
