/** On both stores. */
import './recall.test.ts';
