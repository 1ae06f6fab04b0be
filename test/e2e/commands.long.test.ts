/** On both stores. */
import './commands.test.ts';
