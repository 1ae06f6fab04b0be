/** Every answer that is an error goes out through here: `{"detail": "…"}`. */
import { HTTPException } from 'hono/http-exception';
import { type Refusal, refusalOf } from './render.ts';

/** The response of a refusal. */
export function refusalResponse({ status, detail, headers }: Refusal): Response {
  return Response.json({ detail }, { status, headers: { ...headers } });
}

/** To be thrown by whatever handles a request. */
export function refuse(status: Refusal['status'], detail: string, headers: Refusal['headers'] = {}): HTTPException {
  return refuseAs({ status, detail, headers });
}

/** The same for a refusal at hand. */
export function refuseAs(refusal: Refusal): HTTPException {
  return new HTTPException(undefined, { message: refusal.detail, res: refusalResponse(refusal) });
}

/** The one error boundary: what was thrown, as a response. */
export function responseTo(error: unknown): Response {
  if (error instanceof HTTPException && error.res !== undefined) return error.res;
  return refusalResponse(refusalOf(error));
}
