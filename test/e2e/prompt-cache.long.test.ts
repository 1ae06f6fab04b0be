/** On both stores. */
import './prompt-cache.test.ts';
