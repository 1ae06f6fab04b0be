/** With 300,000 channels. */
import './redis-channels.test.ts';
