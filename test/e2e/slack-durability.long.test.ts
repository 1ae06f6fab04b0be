/** Over both transports. */
import './slack-durability.test.ts';
