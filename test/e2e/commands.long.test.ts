/** On the embedded store. */
import './commands.test.ts';
