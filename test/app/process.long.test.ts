/** With every kind of fault. */
import './process.test.ts';
