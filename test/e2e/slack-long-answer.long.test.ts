/** In every form of the reply. */
import './slack-long-answer.test.ts';
