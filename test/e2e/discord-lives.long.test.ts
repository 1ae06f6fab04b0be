/** On both stores. */
import './discord-lives.test.ts';
