/** Every property tried in full. */
import './context.test.ts';
