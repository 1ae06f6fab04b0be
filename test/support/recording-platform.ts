/**
 * A chat platform that is stricter than friendly and writes everything down: the judge of what people saw. It is an HTTP
 * server on loopback, so that the bot's replicas can be processes that are really killed. `recording-adapter.ts` is its
 * client, `recording-protocol.ts` what they say.
 */
import { createDeliveries } from './recording-deliveries.ts';
import { createFaults, type Faults, seededRandom } from './recording-faults.ts';
import { createMessages, type Messages } from './recording-messages.ts';
import { type Ack, type Delivery, deliverySchema, type PrivateAnswer } from './recording-protocol.ts';
import { createRoutes } from './recording-routes.ts';
import { type JournalEntry, startServer } from './recording-server.ts';

export interface RecordingPlatformOptions {
  readonly seed?: number;
  /** Milliseconds for which a nonce brings back the earlier message; 0: this platform has none. Default: 3 minutes. */
  readonly nonceWindowMs?: number;
  readonly ackTimeoutMs?: number;
}

type Conversation = Pick<Delivery, 'workspace' | 'channel' | 'thread' | 'user' | 'direct'>;
type Message = Extract<Delivery, { kind: 'message' }>;
type Said = Conversation & { readonly text: string } & Partial<
    Pick<Message, 'name' | 'locale' | 'canManage' | 'quotes'>
  > & { readonly file?: { readonly name: string; readonly text: string } };
/** Whoever asks, and where. English, without rights, unless told otherwise. */
type Asking = Conversation & Partial<Pick<Message, 'locale' | 'canManage'>>;
type Options = Extract<Delivery, { kind: 'command' }>['options'];

/** `acked` resolves when a replica has taken it; `id` is the trigger of what is answered to it. */
export interface Pushed {
  readonly id: string;
  readonly acked: Promise<Ack>;
}

export interface RecordingPlatform extends Pick<Messages, 'visible' | 'notices' | 'outcome'> {
  readonly url: string;
  readonly journal: readonly JournalEntry[];
  /**
   * What no client of a platform should do: malformed requests, two writes to one reply at the same time, a write before the
   * Retry-After of the last one has passed.
   */
  readonly violations: readonly string[];
  readonly faults: Faults;
  /** How likely an ack gets lost, so that a delivery comes again. */
  ackLostRate: number;
  replicas(): readonly string[];
  /** A person says something. */
  say(message: Said): Pushed;
  /** The same message comes again under new event ids, `times` times at once. */
  sayAgain(id: string, times: number): Promise<readonly Ack[]>;
  /** Somebody chooses a command of the bot, with options by their names. */
  command(asking: Asking, name: string, options?: Options): Pushed;
  /** Somebody presses a button, by its id. */
  press(asking: Asking, action: string): Pushed;
  /** What this person alone was answered, oldest first. */
  privateAnswers(user: string): readonly PrivateAnswer[];
  stop(conversation: Conversation, trigger: string): Promise<Ack>;
  /** Somebody else (a moderator) deletes a message of the bot. */
  deleteMessage(id: string): void;
  /** The sign of thinking is to be seen for this message. */
  thinking(trigger: string): boolean;
  /** Resolves when the condition holds, which is looked at after each journal entry. Rejects after `ms`. */
  until(condition: () => boolean, ms: number): Promise<void>;
  /** Refuses all connections until `comeBack`. */
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
  close(): Promise<void>;
}

export async function startRecordingPlatform(options: RecordingPlatformOptions = {}): Promise<RecordingPlatform> {
  const { seed = 1, nonceWindowMs = 180_000, ackTimeoutMs = 3_000 } = options;
  const random = seededRandom(seed);
  const faults = createFaults(random);
  const messages = createMessages(nonceWindowMs);
  const journal: JournalEntry[] = [];
  const violations: string[] = [];
  const waiters = new Set<() => void>();
  const thinkingUntil = new Map<string, number>();
  const answers: PrivateAnswer[] = [];
  const said = new Map<string, Message>();
  let deliveryCount = 0;

  function record(entry: Omit<JournalEntry, 'at'>): void {
    // Replicas register all the time: that is no event, but somebody may be waiting for one to be there.
    if (entry.route !== 'other' || !entry.done) journal.push({ at: Date.now(), ...entry });
    for (const look of waiters) look();
  }

  const deliveries = createDeliveries({
    random,
    ackTimeoutMs,
    ackLostRate: () => platform.ackLostRate,
    attempted: ({ id, replica, status }) =>
      record({
        route: 'deliver',
        replica,
        id,
        status: status === 'unreached' ? 'none' : status,
        done: status === 200,
      }),
  });

  const files = new Map<string, string>();
  const understand = createRoutes({ messages, deliveries, thinkingUntil, answers, files, nonces: nonceWindowMs > 0 });
  const server = await startServer({ understand, faults, violations, record });

  function nextDelivery(): { id: string; eventId: string } {
    deliveryCount += 1;
    return { id: `m${deliveryCount}`, eventId: `e${deliveryCount}` };
  }

  const platform: RecordingPlatform = {
    url: server.url,
    journal,
    violations,
    faults,
    ackLostRate: 0,
    visible: messages.visible,
    notices: messages.notices,
    outcome: messages.outcome,
    replicas: deliveries.replicas,
    say({ name = 'Grace', locale = 'en', file, ...message }) {
      const ids = nextDelivery();
      if (file !== undefined) files.set(ids.id, file.text);
      const attached = file === undefined ? {} : { file: file.name };
      const delivery = { kind: 'message' as const, ...ids, name, locale, sentAt: Date.now(), ...message, ...attached };
      deliverySchema.parse(delivery);
      said.set(ids.id, delivery);
      return { id: ids.id, acked: deliveries.push(delivery) };
    },
    sayAgain(id, times) {
      const delivery = said.get(id);
      if (delivery === undefined) throw new Error(`Nobody said ${id}.`);
      return Promise.all(Array.from({ length: times }, () => deliveries.repeat(delivery)));
    },
    command({ locale = 'en', ...asking }, name, options = {}) {
      const ids = nextDelivery();
      return { id: ids.id, acked: deliveries.push({ kind: 'command', ...ids, locale, ...asking, name, options }) };
    },
    press({ locale = 'en', ...asking }, action) {
      const ids = nextDelivery();
      return { id: ids.id, acked: deliveries.push({ kind: 'action', ...ids, locale, ...asking, action }) };
    },
    privateAnswers: (user) => answers.filter((answer) => answer.user === user),
    stop: (conversation, trigger) => deliveries.push({ kind: 'stop', ...nextDelivery(), ...conversation, trigger }),
    deleteMessage(id) {
      const message = messages.get(id);
      if (message === undefined) throw new Error(`There is no message ${id}.`);
      message.deleted = true;
    },
    thinking: (trigger) => (thinkingUntil.get(trigger) ?? 0) > Date.now(),
    until(condition, ms) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiters.delete(look);
          reject(new Error(`It did not come true within ${ms} ms. Violations: ${JSON.stringify(violations)}`));
        }, ms);
        const look = () => {
          if (!condition()) return;
          waiters.delete(look);
          clearTimeout(timer);
          resolve();
        };
        waiters.add(look);
        look();
      });
    },
    async goAway() {
      deliveries.pause(true);
      await server.stop();
    },
    async comeBack() {
      await server.listen();
      deliveries.pause(false);
    },
    async close() {
      await deliveries.close();
      await server.stop();
    },
  };
  return platform;
}
