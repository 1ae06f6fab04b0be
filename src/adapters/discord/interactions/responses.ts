/** The answer to one interaction: acked first, filled when there is something to say. */

import type { Clock, Logger } from '../../../core/ports.ts';
import { toBotError } from '../../../errors.ts';
import { retry } from '../../../lib/backoff.ts';
import { delay } from '../../../lib/delay.ts';
import { callbackPayload, type InteractionPayload } from '../payloads.ts';
import type { MessageBody } from '../reply/render.ts';
import { codeOf, type DiscordRest, type RestFile } from '../rest.ts';

/** Kinds of callbacks (Discord's interaction reference). */
const SHOW_THINKING = 5;
const UPDATE_IN_PLACE = 6;
const EPHEMERAL = 1 << 6;
/** Another replica was faster, or an ack whose answer was lost was taken. */
const ALREADY_ACKED = 40_060;

/** Discord waits 3 s for the first response. Of those, tries that hang may use so much each. */
const ACK_WITHIN_MS = 2_800;
const ACK_TRY_MS = 1_200;
const ACK_PAUSE_MS = 100;
const FILL = { tries: 5, firstMs: 500 };

/** `public`: all in the channel will see the answer. `private`: this person alone. `in place`: the message of the button changes. */
export type Visibility = 'public' | 'private' | 'in place';

export interface InteractionResponse {
  /**
   * Acks. Gives the id of the message that will be filled; undefined: this interaction is not ours to answer (another
   * replica has it, or its time is over).
   */
  think(visibility: Visibility): Promise<string | undefined>;
  /** Puts the answer in its place. */
  fill(body: MessageBody, files?: readonly RestFile[]): Promise<void>;
  /** A further message for this person alone. */
  add(body: MessageBody): Promise<void>;
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

  async function ack(visibility: Visibility): Promise<string> {
    const body = {
      type: visibility === 'in place' ? UPDATE_IN_PLACE : SHOW_THINKING,
      ...(visibility === 'private' ? { data: { flags: EPHEMERAL } } : {}),
    };
    const answer = await rest.request('POST', `/interactions/${id}/${token}/callback`, {
      body,
      query: { with_response: 'true' },
      auth: false,
      signal: AbortSignal.timeout(ACK_TRY_MS),
    });
    return visibility === 'in place'
      ? (interaction.message?.id ?? id)
      : callbackPayload.parse(answer).resource.message.id;
  }

  /** The message that was acked by a try whose answer was lost. */
  async function original(): Promise<string> {
    const found = await retry(() => rest.request('GET', `${webhook}/messages/@original`, { auth: false }), FILL);
    return callbackPayload.parse({ resource: { message: found } }).resource.message.id;
  }

  return {
    async think(visibility) {
      const deadline = clock.monotonic() + ACK_WITHIN_MS;
      let unknown = false;
      for (;;) {
        try {
          return await ack(visibility);
        } catch (thrown) {
          const error = toBotError(thrown);
          if (codeOf(error) === ALREADY_ACKED && unknown) return await original();
          if (!error.retryable || clock.monotonic() + ACK_PAUSE_MS >= deadline) {
            const level = codeOf(error) === ALREADY_ACKED ? 'debug' : 'warn';
            log[level]({ code: error.code, interaction: id }, 'an interaction was not acked here');
            return undefined;
          }
          unknown = true;
          await delay(ACK_PAUSE_MS);
        }
      }
    },
    async fill(body, files = []) {
      // Files of the page before would stay otherwise.
      const whole = files.length === 0 ? { ...body, attachments: [] } : body;
      const route = `${webhook}/messages/@original` as const;
      await retry(() => rest.request('PATCH', route, { body: whole, files, auth: false }), FILL);
    },
    async add(body) {
      const whole = { ...body, flags: body.flags | EPHEMERAL };
      await retry(() => rest.request('POST', webhook, { body: whole, auth: false }), FILL);
    },
  };
}
