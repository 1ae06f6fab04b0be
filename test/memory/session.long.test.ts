/** Every property tried in full. */
import './session.test.ts';
