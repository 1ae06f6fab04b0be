/** On both stores. */
import './http.test.ts';
