/** With all that a server may refuse. */
import './redis-connections.test.ts';
