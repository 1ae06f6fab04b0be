/** Every property tried in full. */
import './render.test.ts';
