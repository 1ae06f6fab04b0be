/** On Redis. */
import './discord-gone.test.ts';
