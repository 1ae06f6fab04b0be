/** Every property tried in full. */
import './split.test.ts';
