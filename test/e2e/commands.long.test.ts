/** On both stores, in both languages. */
import './commands.test.ts';
