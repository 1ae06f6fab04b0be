/** Interactions of the fake Discord. Each must be acknowledged once, within 3 s. Its token is valid for 15 minutes. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type APIUser, MessageFlags, MessageType } from 'discord-api-types/v10';
import { errors } from './api-error.ts';
import { bodies, type EditedBody, type Payload } from './bodies.ts';
import type { FakeChannel, StoredMessage, World } from './world.ts';

const ACK_WITHIN_MS = 3_000;
const TOKEN_MS = 15 * 60_000;
const FOLLOW_UPS_OF_USER_INSTALLS = 5;

/** An interaction as a test sees it. */
export interface FakeInteraction {
  readonly id: string;
  /** `public`, `private`: "thinking…" is shown to all, or to one person. `in place`: the message of the button will change. */
  readonly acked: 'public' | 'private' | 'in place' | undefined;
  /** It was not acknowledged in time: "The application did not respond". */
  readonly timedOut: boolean;
  /** The message of the response, once it has content; files by their names. */
  answer(): { readonly message: StoredMessage; readonly files: ReadonlyMap<string, string> } | undefined;
  readonly followUps: readonly StoredMessage[];
  /** Makes the token expire. */
  expire(): void;
}

interface Held {
  readonly id: string;
  readonly token: string;
  readonly channel: FakeChannel;
  readonly person: APIUser;
  readonly userInstall: boolean;
  /** Of a pressed button. */
  readonly source: StoredMessage | undefined;
  until: number;
  acked: FakeInteraction['acked'];
  timedOut: boolean;
  original: StoredMessage | undefined;
  filled: boolean;
  files: Map<string, string>;
  readonly followUps: StoredMessage[];
}

export interface InteractionsDeps {
  readonly world: World;
  readonly changed: (stored: StoredMessage, how: 'created' | 'updated') => void;
  readonly apply: (stored: StoredMessage, body: EditedBody, payload: Payload) => void;
}

export interface Interactions {
  begin(about: Pick<Held, 'channel' | 'person' | 'userInstall' | 'source'>): {
    readonly id: string;
    readonly token: string;
    readonly view: FakeInteraction;
  };
  callback(id: string, token: string, payload: Payload): object;
  edit(token: string, messageId: string, payload: Payload): object;
  get(token: string, messageId: string): object;
  remove(token: string, messageId: string): void;
  followUp(token: string, payload: Payload): object;
  close(): void;
}

export function createInteractions({ world, changed, apply }: InteractionsDeps): Interactions {
  const byToken = new Map<string, Held>();
  const timers: NodeJS.Timeout[] = [];

  /** @throws ApiError if the token is unknown or expired */
  function find(token: string): Held {
    const held = byToken.get(token);
    if (held === undefined) throw errors.unknownWebhook();
    if (Date.now() >= held.until) throw errors.invalidToken();
    if (held.acked === undefined) throw errors.unknownWebhook();
    return held;
  }

  function messageOf(held: Held, messageId: string): StoredMessage {
    const own = [held.original, ...held.followUps];
    const found = messageId === '@original' ? held.original : own.find((each) => each?.message.id === messageId);
    if (found === undefined || found.deleted) throw errors.unknownMessage();
    return found;
  }

  return {
    begin(about) {
      const id = world.snowflake();
      const held: Held = {
        id,
        token: `interaction-token-${id}`,
        ...about,
        until: Date.now() + TOKEN_MS,
        acked: undefined,
        timedOut: false,
        original: undefined,
        filled: false,
        files: new Map(),
        followUps: [],
      };
      byToken.set(held.token, held);
      timers.push(
        setTimeout(async () => {
          // A callback that arrived in time may not have been read yet: a new connection and its data.
          for (let turns = 0; turns < 3; turns += 1) await nextTurn();
          held.timedOut = held.acked === undefined;
        }, ACK_WITHIN_MS),
      );
      return {
        id,
        token: held.token,
        view: {
          id,
          get acked() {
            return held.acked;
          },
          get timedOut() {
            return held.timedOut;
          },
          answer: () =>
            held.original !== undefined && held.filled ? { message: held.original, files: held.files } : undefined,
          get followUps() {
            return [...held.followUps];
          },
          expire() {
            held.until = 0;
          },
        },
      };
    },
    callback(id, token, payload) {
      const held = byToken.get(token);
      if (held === undefined || held.id !== id || held.timedOut) throw errors.unknownInteraction();
      if (held.acked !== undefined) throw errors.acknowledged();
      const body = bodies.callback(payload);
      if (body.type === 6) {
        if (held.source === undefined) throw errors.invalidForm('nothing to update');
        held.acked = 'in place';
        held.original = held.source;
        return { interaction: { id, type: 3 } };
      }
      const ephemeral = body.data?.flags === MessageFlags.Ephemeral;
      held.acked = ephemeral ? 'private' : 'public';
      held.original = world.post({
        channel: held.channel,
        author: world.bot,
        content: '',
        type: MessageType.ChatInputCommand,
        flags: MessageFlags.Loading | (ephemeral ? MessageFlags.Ephemeral : 0),
        ...(ephemeral ? { ephemeralFor: held.person.id } : {}),
      });
      if (!ephemeral) changed(held.original, 'created');
      return { interaction: { id, type: 2 }, resource: { type: 5, message: held.original.message } };
    },
    edit(token, messageId, payload) {
      const held = find(token);
      const stored = messageOf(held, messageId);
      apply(stored, bodies.edited(payload), payload);
      stored.message.flags = (stored.message.flags ?? 0) & ~MessageFlags.Loading;
      if (stored === held.original) {
        held.filled = true;
        held.files = new Map(payload.files.map(({ name, content }) => [name, content]));
      }
      changed(stored, 'updated');
      return stored.message;
    },
    get: (token, messageId) => messageOf(find(token), messageId).message,
    remove(token, messageId) {
      messageOf(find(token), messageId).deleted = true;
    },
    followUp(token, payload) {
      const held = find(token);
      const body = bodies.followUp(payload);
      if (held.userInstall && held.followUps.length >= FOLLOW_UPS_OF_USER_INSTALLS) throw errors.followUps();
      const ephemeral = ((body.flags ?? 0) & MessageFlags.Ephemeral) !== 0;
      const stored = world.post({
        channel: held.channel,
        author: world.bot,
        content: '',
        flags: body.flags ?? 0,
        ...(ephemeral ? { ephemeralFor: held.person.id } : {}),
      });
      apply(stored, body, payload);
      stored.edits.length = 0;
      held.followUps.push(stored);
      if (!ephemeral) changed(stored, 'created');
      return stored.message;
    },
    close() {
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
