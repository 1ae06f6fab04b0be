/** Over HTTP. */
import './slack-shares.test.ts';
