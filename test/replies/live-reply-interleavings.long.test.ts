/** Every property tried in full. */
import './live-reply-interleavings.test.ts';
