/** The interface of a store driver to the composition root. */
import type { Config } from '../../config/config.ts';
import type { Health, Logger, RateLimiter } from '../../core/ports.ts';
import type { ConversationStore, StoreObserver, StoreOptions } from '../../core/store.ts';
import type { Texts } from '../../i18n/messages.ts';
import type { ClosableSignals } from '../../queue/signals.ts';

/** The store, and everything that depends on whether several processes share it. */
export interface Infrastructure {
  readonly store: ConversationStore;
  readonly signals: ClosableSignals;
  /** For messages. */
  readonly limiter: RateLimiter;
  /** For commands and edits. */
  readonly commandLimiter: RateLimiter;
  /** Whether all connections are usable. */
  health(): Health;
  /** Call it when the worker has stopped. */
  close(): Promise<void>;
}

export interface DriverParts {
  readonly logger: Logger;
  readonly observer: StoreObserver;
}

export interface Driver {
  /** Shown by the HTTP API and the playground. */
  readonly name: string;
  /** Whether the settings select this driver. */
  chosen(config: Config['store']): boolean;
  /** Its line in the startup banner. */
  banner(config: Config['store'], startup: Texts['startup']): string;
  /** @throws BotError if the store cannot be opened */
  open(config: Config, options: StoreOptions, parts: DriverParts): Promise<Infrastructure>;
}
