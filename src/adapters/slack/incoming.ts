/** From a message of Slack and what surrounds it to a message of the house. Pure. */
import { type IncomingMessage, type Locale, type Quote, turnIdOf } from '../../core/types.ts';
import { type Scopes, type SlackMessage, sessionAt, whereaboutsOf } from './normalize.ts';
import { SLACK, type SlackTarget } from './target.ts';

/** What of a person and of the surroundings goes with their message. */
export interface Surroundings {
  /** What the person says, as the model reads it. */
  readonly text: string;
  readonly name: string;
  readonly locale: Locale;
  readonly quotes: readonly Quote[];
}

export function toIncoming(
  message: SlackMessage,
  { text, name, locale, quotes }: Surroundings,
  scopes: Scopes,
): IncomingMessage {
  const { ts, user, direct, eventId, clientMsgId } = message;
  const where = whereaboutsOf(message);
  const target: SlackTarget = {
    ...{ platform: SLACK, team: where.team, channel: where.channel, thread: where.root, trigger: ts, user, direct },
  };
  return {
    id: ts,
    turnId: turnIdOf(ts),
    // One message comes under several event ids and as a mention too; one gesture may come under several timestamps.
    idempotencyKeys: [
      ts,
      ...(eventId === undefined ? [] : [`event:${eventId}`]),
      ...(clientMsgId === undefined ? [] : [`client:${clientMsgId}`]),
    ],
    platform: SLACK,
    sessionId: sessionAt(where, scopes),
    author: { id: user, name },
    text,
    sentAt: Math.round(Number(ts) * 1000) || 0,
    isDirect: direct,
    isMention: message.mention,
    locale,
    replyTo: target,
    ...(quotes.length === 0 ? {} : { quotes }),
    ...(message.files.length === 0 ? {} : { attachments: message.files }),
  };
}
