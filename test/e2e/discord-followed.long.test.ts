/** On both stores. */
import './discord-followed.test.ts';
