/** The response to one interaction: acknowledged at once, filled in when the answer is there. */

import type { Clock, Logger } from '../../../core/ports.ts';
import { toBotError } from '../../../errors.ts';
import { retry } from '../../../lib/backoff.ts';
import { delay } from '../../../lib/delay.ts';
import { callbackPayload, type InteractionPayload } from '../payloads.ts';
import type { MessageBody } from '../reply/render.ts';
import { codeOf, type DiscordRest, type RestFile } from '../rest.ts';

/**
 * DEFERRED_CHANNEL_MESSAGE_WITH_SOURCE (shows "thinking…") and DEFERRED_UPDATE_MESSAGE.
 * https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-response-object-interaction-callback-type
 */
const DEFERRED_MESSAGE = 5;
const DEFERRED_UPDATE = 6;
/** Message flag: only one person sees it. */
export const EPHEMERAL = 1 << 6;
/** Another replica acknowledged it, or this one did and the response was lost. */
const ALREADY_ACKNOWLEDGED = 40_060;

/** Discord waits 3 s for the first response. One request may take part of that, so that there is time for another. */
const ACKNOWLEDGE_WITHIN_MS = 2_800;
const ACKNOWLEDGE_REQUEST_MS = 1_200;
const ACKNOWLEDGE_DELAY_MS = 100;
const RETRY = { tries: 5, firstMs: 500 };

/** Who sees the answer: all in the channel, this person alone, or those who see the message with the button, which changes. */
export type Visibility = 'public' | 'private' | 'in place';

export interface InteractionResponse {
  /**
   * Acknowledges the interaction. Gives the id of the message that will hold the answer; undefined when this process cannot
   * answer, because another replica does or it is too late.
   */
  acknowledge(visibility: Visibility): Promise<string | undefined>;
  /** Fills in the answer. @throws BotError `platform_*` */
  fill(body: MessageBody, files?: readonly RestFile[]): Promise<void>;
  /** Posts another message for this person alone. @throws BotError `platform_*` */
  followUp(body: MessageBody): Promise<void>;
}

export interface ResponseDeps {
  readonly rest: DiscordRest;
  readonly clock: Clock;
  readonly log: Logger;
}

export function createResponse(
  interaction: InteractionPayload,
  { rest, clock, log }: ResponseDeps,
): InteractionResponse {
  const { id, token, application_id: application } = interaction;
  const webhook = `/webhooks/${application}/${token}` as const;

  async function sendCallback(visibility: Visibility): Promise<string> {
    const body = {
      type: visibility === 'in place' ? DEFERRED_UPDATE : DEFERRED_MESSAGE,
      ...(visibility === 'private' ? { data: { flags: EPHEMERAL } } : {}),
    };
    const answer = await rest.request('POST', `/interactions/${id}/${token}/callback`, {
      body,
      query: { with_response: 'true' },
      auth: false,
      signal: AbortSignal.timeout(ACKNOWLEDGE_REQUEST_MS),
    });
    return visibility === 'in place'
      ? (interaction.message?.id ?? id)
      : callbackPayload.parse(answer).resource.message.id;
  }

  /** The message of a callback whose response was lost. */
  async function originalId(): Promise<string> {
    const found = await retry(() => rest.request('GET', `${webhook}/messages/@original`, { auth: false }), RETRY);
    return callbackPayload.parse({ resource: { message: found } }).resource.message.id;
  }

  return {
    async acknowledge(visibility) {
      const deadline = clock.monotonic() + ACKNOWLEDGE_WITHIN_MS;
      let isRetry = false;
      for (;;) {
        try {
          return await sendCallback(visibility);
        } catch (thrown) {
          const error = toBotError(thrown);
          if (codeOf(error) === ALREADY_ACKNOWLEDGED && isRetry) return await originalId();
          if (!error.retryable || clock.monotonic() + ACKNOWLEDGE_DELAY_MS >= deadline) {
            const level = codeOf(error) === ALREADY_ACKNOWLEDGED ? 'debug' : 'warn';
            log[level]({ code: error.code, interaction: id }, 'did not acknowledge an interaction');
            return undefined;
          }
          isRetry = true;
          await delay(ACKNOWLEDGE_DELAY_MS);
        }
      }
    },
    async fill(body, files = []) {
      // Else the files of an earlier answer in the same message would stay.
      const whole = files.length === 0 ? { ...body, attachments: [] } : body;
      const route = `${webhook}/messages/@original` as const;
      await retry(() => rest.request('PATCH', route, { body: whole, files, auth: false }), RETRY);
    },
    async followUp(body) {
      const whole = { ...body, flags: body.flags | EPHEMERAL };
      await retry(() => rest.request('POST', webhook, { body: whole, auth: false }), RETRY);
    },
  };
}
