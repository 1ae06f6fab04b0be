/** Calls methods of the Bot API: https://core.telegram.org/bots/api#making-requests */
import { z } from 'zod';
import { BotError, toBotError } from '../../../src/errors.ts';

const answerShape = z.object({
  ok: z.boolean(),
  result: z.unknown().optional(),
  error_code: z.number().optional(),
  description: z.string().optional(),
  parameters: z.object({ retry_after: z.number().optional() }).optional(),
});

export interface TelegramApi {
  /** Gives the method's result. @throws BotError `platform_*`; its message ends with Telegram's description */
  call(method: string, parameters: object, signal: AbortSignal): Promise<unknown>;
}

export function createTelegramApi(token: string, url = 'https://api.telegram.org'): TelegramApi {
  return {
    async call(method, parameters, signal) {
      const answer = await fetch(`${url}/bot${token}/${method}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(parameters),
        signal,
      })
        .then((response) => response.json())
        .catch((thrown: unknown) => {
          // The outcome is unknown: the request may have been carried out.
          throw new BotError('platform_unavailable', toBotError(thrown).message, { retryable: true, cause: thrown });
        });
      const { ok, result, error_code: code = 0, description = '', parameters: more } = answerShape.parse(answer);
      if (ok) return result;
      const text = `Telegram refused ${method}: ${description}`;
      if (code === 429) {
        const retryAfterMs = (more?.retry_after ?? 1) * 1_000;
        throw new BotError('platform_rate_limited', text, { retryable: true, retryAfterMs });
      }
      if (code === 401 || code === 404) throw new BotError('platform_credentials', text);
      if (code >= 500) throw new BotError('platform_unavailable', text, { retryable: true });
      throw new BotError('platform_refused', text);
    },
  };
}
