/** Over both transports. */
import './slack-files.test.ts';
