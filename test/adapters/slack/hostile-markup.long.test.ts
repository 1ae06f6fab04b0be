/** Every property tried in full. */
import './hostile-markup.test.ts';
