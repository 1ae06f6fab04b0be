/** With all runs of the property tests. */
import './kinds.test.ts';
