/** Every property tried in full. */
import './compose.test.ts';
