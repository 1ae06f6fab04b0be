/** On the embedded store. */
import './prompt-cache.test.ts';
