/** Over both transports. */
import './slack-commands.test.ts';
