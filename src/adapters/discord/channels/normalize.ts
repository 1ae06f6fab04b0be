/** From Discord's payloads to the bot's messages. Pure. */
import type { SessionScope } from '../../../core/session.ts';
import { type FileRef, type IncomingMessage, type Locale, type Quote, turnIdOf } from '../../../core/types.ts';
import { localeOf } from '../../../i18n/locale.ts';
import {
  DEFAULT_MESSAGE,
  type InteractionPayload,
  type MessageBody,
  type MessagePayload,
  REPLY_MESSAGE,
} from '../payloads.ts';
import {
  type ChannelInfo,
  type ChannelTarget,
  DISCORD,
  type InteractionTarget,
  interactionChannelInfo,
  sessionOf,
} from '../places.ts';
import { timeOf } from '../snowflake.ts';
import { allFilesOf, type CarryingMessage, ownFilesOf } from './attachments.ts';
import { editedAt } from './channel-queue.ts';
import { type Names, nameOf, pollText, readable, shownText, withoutMentionOf } from './message-text.ts';

/** Discord does not say who wrote a forwarded message. */
const FORWARDED = 'somebody, in a forwarded message';
/** Permission bits. https://docs.discord.com/developers/topics/permissions */
const VIEW_CHANNEL = 1n << 10n;
const SEND_MESSAGES = 1n << 11n;
const MANAGE_MESSAGES = 1n << 13n;
const SEND_MESSAGES_IN_THREADS = 1n << 38n;

/** What else is needed to read a message. */
export interface ReadingContext {
  readonly botId: string;
  readonly scope: SessionScope;
  readonly channel: ChannelInfo;
  readonly names: Names;
  /** The bot has been addressed in this channel or thread within the last days. */
  readonly watched: boolean;
  /** The server's language, if known. Messages do not say the person's. */
  readonly language?: string | undefined;
}

/**
 * `ignored`: nothing is to be done. `other`: not by a person (by a bot, a webhook, Discord itself). `elsewhere`: to somebody
 * else. `unreadable`: Discord withholds the text from a bot without the Message Content intent, or there is none.
 */
export type Reading =
  | { readonly kind: 'ignored'; readonly reason: 'other' | 'elsewhere' | 'unreadable' }
  | { readonly kind: 'message'; readonly message: IncomingMessage };

type Authored = Pick<MessagePayload, 'author' | 'webhook_id' | 'type'>;

/** By a person: not by a bot or a webhook, and not one of Discord's own messages (pins, joins, boosts). */
export function isByPerson({ author, webhook_id, type }: Authored): boolean {
  if (author.bot === true || author.system === true || webhook_id !== undefined) return false;
  return type === DEFAULT_MESSAGE || type === REPLY_MESSAGE;
}

/** Addressed to the bot: mentions it, or its role, or replies to it. */
export function isToBot(message: MessagePayload, botId: string, names: Names): boolean {
  return mentions(message, botId, names) || message.referenced_message?.author.id === botId;
}

/** Mentions the bot, or its role. */
function mentions(message: MessagePayload, botId: string, names: Names): boolean {
  const { mentions: users, mention_roles: roles } = message;
  return users.some(({ id }) => id === botId) || roles.some((id) => names.role(id)?.own === true);
}

/** Addressed to somebody else: mentions or replies to them. */
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

export function readMessage(payload: MessagePayload, context: ReadingContext): Reading {
  const { botId, channel, names } = context;
  if (!isByPerson(payload)) return { kind: 'ignored', reason: 'other' };
  const isAddressed = isToBot(payload, botId, names);
  const isFollowUp = channel.parent !== undefined && context.watched && !isToOthers(payload, botId);
  if (!isAddressed && !channel.direct && !isFollowUp) return { kind: 'ignored', reason: 'elsewhere' };
  const text = readText(payload, botId, names);
  const attachments = ownFilesOf(payload, payload, text);
  const forwarded = payload.message_snapshots.flatMap(({ message }) => quoteOf(FORWARDED, message, payload, names));
  const isEmpty = text === '' && attachments.length === 0 && forwarded.length === 0;
  if (isEmpty && !isComplete(payload, context)) return { kind: 'ignored', reason: 'unreadable' };
  const { id, channel_id, author, referenced_message: referenced } = payload;
  const replyTo: ChannelTarget = {
    platform: DISCORD,
    via: 'channel',
    channel: channel_id,
    trigger: id,
    asker: author.id,
  };
  const answered = referenced == null ? [] : quoteOf(nameOf(referenced.author), referenced, referenced, names);
  const quotes = [...answered, ...forwarded];
  return {
    kind: 'message',
    message: {
      id,
      turnId: turnIdOf(id),
      idempotencyKeys: [id],
      platform: DISCORD,
      sessionId: sessionOf(channel_id, channel, author.id, context.scope),
      author: { id: author.id, name: nameOf(author, payload.member?.nick) },
      text,
      sentAt: Date.parse(payload.timestamp) || timeOf(id),
      isDirect: channel.direct,
      isMention: isAddressed,
      locale: localeOfText(text) ?? localeOf(context.language),
      replyTo,
      ...(quotes.length === 0 ? {} : { quotes }),
      ...(attachments.length === 0 ? {} : { attachments }),
      ...(editedAt(payload) > 0 ? { editedAt: editedAt(payload) } : {}),
    },
  };
}

/** Discord withholds no text in a DM or with a mention of the bot: without text, such a message is really empty. */
function isComplete(payload: MessagePayload, { botId, channel, names }: EditContext): boolean {
  return channel.direct || mentions(payload, botId, names);
}

type EditContext = Pick<ReadingContext, 'botId' | 'channel' | 'names'>;

/** What a message says after an edit. Without `text`, Discord may withhold it. */
export interface EditedMessage {
  readonly text: string | undefined;
  readonly attachments: readonly FileRef[];
}

export function readEdit(payload: MessagePayload, context: EditContext): EditedMessage {
  const text = readText(payload, context.botId, context.names);
  const attachments = ownFilesOf(payload, payload, text);
  const isKnown = text !== '' || attachments.length > 0 || isComplete(payload, context);
  return { text: isKnown ? text : undefined, attachments };
}

/** The text without a mention that only addresses the bot; other mentions by name, as people see them. */
export function readText(
  { content, mentions: users, poll }: Pick<MessagePayload, 'content' | 'mentions' | 'poll'>,
  botId: string,
  names: Names,
): string {
  const isBot = (mention: string) => {
    const id = mention.replace(/\D/g, '');
    return mention.startsWith('<@&') ? names.role(id)?.own === true : id === botId;
  };
  const text = readable(withoutMentionOf(content, isBot), users, names).trim();
  return poll == null ? text : [text, pollText(poll)].join('\n').trim();
}

/** Empty if there is nothing to read in it. */
function quoteOf(author: string, body: MessageBody, carrying: CarryingMessage, names: Names): readonly Quote[] {
  const text = shownText(body, names);
  // A sticker has a name only, which is in the text.
  const files = allFilesOf(body, carrying).filter(({ ref }) => ref !== undefined);
  return text === '' ? [] : [{ author, text, ...(files.length === 0 ? {} : { files }) }];
}

/** Chinese is unmistakable. For any other language the server's setting says more than the text. */
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

/** The message that was sent by /chat. */
export function readChat(
  interaction: InteractionPayload,
  { text, names, scope, target }: ChatRequest,
): IncomingMessage {
  const { id, person, nick, channelId } = interaction;
  const info = interactionChannelInfo(interaction);
  return {
    id,
    turnId: turnIdOf(id),
    idempotencyKeys: [id],
    platform: DISCORD,
    sessionId: sessionOf(channelId, info, person.id, scope),
    author: { id: person.id, name: nameOf(person, nick) },
    text: readable(text, [], names).trim(),
    sentAt: timeOf(id),
    isDirect: info.direct,
    isMention: true,
    locale: localeOf(interaction.locale),
    replyTo: target,
  };
}

/** Whether the person has Discord's permission to manage messages in this channel. */
export function canManage({ permissions }: Pick<InteractionPayload, 'permissions'>): boolean {
  return hasPermission(permissions, MANAGE_MESSAGES);
}

/** Whether the bot itself is in this channel and may write there. */
export function mayWrite(interaction: InteractionPayload, info: ChannelInfo): boolean {
  const { app_permissions: own, botIsHere } = interaction;
  if (!botIsHere || info.direct) return botIsHere;
  const send = info.parent === undefined ? SEND_MESSAGES : SEND_MESSAGES_IN_THREADS;
  return hasPermission(own, VIEW_CHANNEL) && hasPermission(own, send);
}

function hasPermission(permissions: string, permission: bigint): boolean {
  return /^\d{1,20}$/.test(permissions) && (BigInt(permissions) & permission) !== 0n;
}
