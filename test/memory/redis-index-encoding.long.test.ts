/** Every property tried in full. */
import './redis-index-encoding.test.ts';
