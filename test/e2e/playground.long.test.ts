/** With every kind of markup, light and dark. */
import './playground.test.ts';
