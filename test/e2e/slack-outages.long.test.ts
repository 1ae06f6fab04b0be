/** Over HTTP. */
import './slack-outages.test.ts';
