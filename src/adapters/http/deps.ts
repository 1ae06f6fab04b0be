/** What the routes of the HTTP API work with. */
import type { BotPort } from '../../core/bot-port.ts';
import type { Clock, CoreMessages, Logger } from '../../core/ports.ts';
import type { BodyRoom } from '../../lib/body-room.ts';
import type { HttpLimits } from './schemas.ts';
import type { WaitingCallers } from './waiting-callers.ts';

/** All in milliseconds. */
export interface HttpTimings {
  /** How long a plain POST /chat waits for the answer before it gets 202. */
  readonly answerMs: number;
  /** Between looks at the record of an awaited turn. */
  readonly pollMs: number;
  /** Between comments on a silent event stream, so that proxies keep it open. */
  readonly heartbeatMs: number;
  /** How long /health waits for the store. */
  readonly healthMs: number;
}

export interface PlatformHealth {
  readonly platform: string;
  readonly ok: boolean;
  readonly detail?: string;
}

export interface HttpDeps {
  readonly bot: BotPort;
  readonly limits: HttpLimits;
  readonly timings: HttpTimings;
  readonly callers: WaitingCallers;
  /** For bodies with files. */
  readonly bodies: BodyRoom;
  readonly store: string;
  /** The metrics of the process in Prometheus' text format. */
  readonly metrics: () => Promise<string>;
  /** Counts a request that was refused for what it was, by its status. */
  readonly refused: (status: number) => void;
  /** How the other platforms are doing; /health tells the first that can't receive messages. */
  readonly platforms?: () => readonly PlatformHealth[];
  readonly coreMessages: Pick<CoreMessages, 'failed'>;
  readonly logger: Logger;
  readonly clock: Clock;
}
