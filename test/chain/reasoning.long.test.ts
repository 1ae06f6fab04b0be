/** Every property tried in full. */
import './reasoning.test.ts';
