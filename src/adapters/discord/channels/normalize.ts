/** From Discord's payloads to the bot's messages. Pure. */
import type { SessionScope } from '../../../core/session.ts';
import { type IncomingMessage, type Locale, type Quote, turnIdOf } from '../../../core/types.ts';
import { localeOf } from '../../../i18n/locale.ts';
import { DEFAULT_MESSAGE, type InteractionPayload, type MessagePayload, REPLY_MESSAGE } from '../payloads.ts';
import {
  type ChannelInfo,
  type ChannelTarget,
  DISCORD,
  type InteractionTarget,
  interactionChannelInfo,
  sessionOf,
} from '../places.ts';
import { timeOf } from '../snowflake.ts';
import {
  attachmentNames,
  forwardedTexts,
  type Names,
  nameOf,
  pollText,
  readable,
  shownText,
  withoutAddress,
} from './message-text.ts';

/** Who wrote a message that is forwarded is not told. */
const FORWARDED = 'somebody, in a forwarded message';
/** Bits of permissions (Discord's permissions reference). */
const VIEW_CHANNEL = 1n << 10n;
const SEND_MESSAGES = 1n << 11n;
const MANAGE_MESSAGES = 1n << 13n;
const SEND_MESSAGES_IN_THREADS = 1n << 38n;

/** What surrounds a message. */
export interface Surroundings {
  readonly botId: string;
  readonly scope: SessionScope;
  readonly channel: ChannelInfo;
  readonly names: Names;
  /** The bot was talked to in this channel or thread within the last days. */
  readonly watched: boolean;
  /** Of the server, where it is known: messages don't tell the person's. */
  readonly language?: string | undefined;
}

/**
 * `ignored`: dealt with by doing nothing. `other`: not from a person (a bot, a webhook, the platform itself). `elsewhere`: to
 * somebody else. `unreadable`: Discord keeps its text from a bot without the Message Content intent (or it has none).
 */
export type Reading =
  | { readonly kind: 'ignored'; readonly reason: 'other' | 'elsewhere' | 'unreadable' }
  | { readonly kind: 'message'; readonly message: IncomingMessage };

type Authored = Pick<MessagePayload, 'author' | 'webhook_id' | 'type'>;

/** Written by a person: no bot, no webhook, no notice of the platform (pins, joins, boosts). */
export function isByPerson({ author, webhook_id, type }: Authored): boolean {
  if (author.bot === true || author.system === true || webhook_id !== undefined) return false;
  return type === DEFAULT_MESSAGE || type === REPLY_MESSAGE;
}

/** Says by itself that it is for the bot: names it (or its role), or answers it. */
export function isToBot(message: MessagePayload, botId: string, names: Names): boolean {
  return mentions(message, botId, names) || message.referenced_message?.author.id === botId;
}

function mentions(message: MessagePayload, botId: string, names: Names): boolean {
  const { mentions: users, mention_roles: roles } = message;
  return users.some(({ id }) => id === botId) || roles.some((id) => names.role(id)?.own === true);
}

/** Where people talk to the bot without naming it, this one names, or answers, somebody else. */
function isToOthers(message: MessagePayload, botId: string): boolean {
  const {
    author,
    mentions: users,
    mention_roles: roles,
    mention_everyone: all,
    referenced_message: answered,
  } = message;
  const isOther = (id: string) => id !== botId && id !== author.id;
  if (all || roles.length > 0 || users.some(({ id }) => isOther(id))) return true;
  return message.type === REPLY_MESSAGE && answered != null && isOther(answered.author.id);
}

export function readMessage(payload: MessagePayload, around: Surroundings): Reading {
  const { botId, channel, names } = around;
  if (!isByPerson(payload)) return { kind: 'ignored', reason: 'other' };
  const named = isToBot(payload, botId, names);
  const goesOn = channel.parent !== undefined && around.watched && !isToOthers(payload, botId);
  if (!named && !channel.direct && !goesOn) return { kind: 'ignored', reason: 'elsewhere' };
  const text = readText(payload, botId, names);
  const attachments = attachmentNames(payload);
  const forwarded = forwardedTexts(payload, names).map((shown) => ({ author: FORWARDED, text: shown }));
  // Of what mentions it, and in a DM, Discord keeps nothing back: that is empty because nothing was written.
  const whole = channel.direct || mentions(payload, botId, names);
  const nothing = text === '' && attachments.length === 0 && forwarded.length === 0;
  if (!whole && nothing) return { kind: 'ignored', reason: 'unreadable' };
  const { id, channel_id, author, referenced_message: referenced } = payload;
  const replyTo: ChannelTarget = {
    platform: DISCORD,
    via: 'channel',
    channel: channel_id,
    trigger: id,
    asker: author.id,
  };
  const quotes = [...(referenced == null ? [] : quotesOf(referenced, names)), ...forwarded];
  return {
    kind: 'message',
    message: {
      id,
      turnId: turnIdOf(id),
      idempotencyKeys: [id],
      platform: DISCORD,
      sessionId: sessionOf(channel_id, channel, author.id, around.scope),
      author: { id: author.id, name: nameOf(author, payload.member?.nick) },
      text,
      sentAt: Date.parse(payload.timestamp) || timeOf(id),
      isDirect: channel.direct,
      isMention: named,
      locale: localeOfText(text) ?? localeOf(around.language),
      replyTo,
      ...(quotes.length === 0 ? {} : { quotes }),
      ...(attachments.length === 0 ? {} : { attachments }),
    },
  };
}

/** The text as it was meant: without the bot's name where it only addresses it, other names as people see them. */
export function readText(
  { content, mentions: users, poll }: Pick<MessagePayload, 'content' | 'mentions' | 'poll'>,
  botId: string,
  names: Names,
): string {
  const isAddress = (mention: string) => {
    const id = mention.replace(/\D/g, '');
    return mention.startsWith('<@&') ? names.role(id)?.own === true : id === botId;
  };
  const text = readable(withoutAddress(content, isAddress), users, names).trim();
  return poll == null ? text : [text, pollText(poll)].join('\n').trim();
}

function quotesOf(message: NonNullable<MessagePayload['referenced_message']>, names: Names): readonly Quote[] {
  const text = shownText(message, names);
  return text === '' ? [] : [{ author: nameOf(message.author), text }];
}

/** Chinese is seen at once; for everything else the text says less than the server's setting. */
function localeOfText(text: string): Locale | undefined {
  if (/[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u.test(text)) return undefined;
  return /\p{Script=Han}/u.test(text) ? 'zh-CN' : undefined;
}

export interface ChatRequest {
  readonly text: string;
  readonly names: Names;
  readonly scope: SessionScope;
  readonly target: InteractionTarget;
}

/** What was said by /chat. */
export function readChat(
  interaction: InteractionPayload,
  { text, names, scope, target }: ChatRequest,
): IncomingMessage {
  const { id, person, nick, channelId } = interaction;
  const about = interactionChannelInfo(interaction);
  return {
    id,
    turnId: turnIdOf(id),
    idempotencyKeys: [id],
    platform: DISCORD,
    sessionId: sessionOf(channelId, about, person.id, scope),
    author: { id: person.id, name: nameOf(person, nick) },
    text: readable(text, [], names).trim(),
    sentAt: timeOf(id),
    isDirect: about.direct,
    isMention: true,
    locale: localeOf(interaction.locale),
    replyTo: target,
  };
}

/** The platform's right to manage messages, of the person in this channel. */
export function canManage({ permissions }: Pick<InteractionPayload, 'permissions'>): boolean {
  return hasPermission(permissions, MANAGE_MESSAGES);
}

/** The bot itself is in this channel and may write there. */
export function mayWrite(interaction: InteractionPayload, about: ChannelInfo): boolean {
  const { app_permissions: own, botIsHere } = interaction;
  if (!botIsHere || about.direct) return botIsHere;
  const send = about.parent === undefined ? SEND_MESSAGES : SEND_MESSAGES_IN_THREADS;
  return hasPermission(own, VIEW_CHANNEL) && hasPermission(own, send);
}

function hasPermission(permissions: string, permission: bigint): boolean {
  return /^\d{1,20}$/.test(permissions) && (BigInt(permissions) & permission) !== 0n;
}
