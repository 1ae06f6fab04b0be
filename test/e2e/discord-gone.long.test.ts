/** On both stores. */
import './discord-gone.test.ts';
