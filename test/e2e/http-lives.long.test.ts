/** On both stores. */
import './http-lives.test.ts';
