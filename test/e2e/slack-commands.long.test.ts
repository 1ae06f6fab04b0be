/** Over HTTP. */
import './slack-commands.test.ts';
