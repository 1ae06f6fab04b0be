/** Every property tried in full. */
import './action-id.test.ts';
