/** Every property tried in full. */
import './interleavings.test.ts';
