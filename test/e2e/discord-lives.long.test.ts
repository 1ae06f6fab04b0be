/** On Redis. */
import './discord-lives.test.ts';
