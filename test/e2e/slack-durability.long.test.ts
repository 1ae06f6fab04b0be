/** Over HTTP. */
import './slack-durability.test.ts';
