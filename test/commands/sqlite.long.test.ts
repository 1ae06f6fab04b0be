/** Every property tried in full. */
import './sqlite.test.ts';
