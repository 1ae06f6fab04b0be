/** On Redis. */
import './discord-followed.test.ts';
