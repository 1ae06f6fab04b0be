/** On the embedded store. */
import './http.test.ts';
