/** Every property tried in full. */
import './redis.test.ts';
