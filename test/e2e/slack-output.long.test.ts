/** With all errors for which Slack refuses blocks. */
import './slack-output.test.ts';
