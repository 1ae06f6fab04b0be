/** On the embedded store. */
import './http-lives.test.ts';
