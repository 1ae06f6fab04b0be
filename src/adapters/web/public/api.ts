/** The bot over HTTP. What goes over it is typed by the server's own schemas. */
import type { Reads, Writes } from '../schemas.ts';
import type { Key } from './key.ts';

const BASE = new URL('./api/', import.meta.url);

/** What the bot refused; `retry` says whether the very same thing may be accepted later. */
export class Refused extends Error {
  readonly retry: boolean;
  constructor(status: number, detail: string) {
    super(detail);
    this.retry = status === 429 || status >= 500;
  }
}

export type Api = ReturnType<typeof createApi>;

export function createApi(key: Key) {
  /** @throws Refused, and TypeError when the bot cannot be reached */
  async function request(path: string, options: RequestInit = {}): Promise<Response> {
    for (;;) {
      const sent = key.current;
      const headers = { ...options.headers, ...(sent === '' ? {} : { Authorization: `Bearer ${sent}` }) };
      const response = await fetch(new URL(path, BASE), { ...options, headers });
      if (response.status === 401) {
        await key.ask(sent);
        continue;
      }
      if (response.ok) return response;
      const { detail = response.statusText } = await response.json().catch(() => ({}));
      throw new Refused(response.status, detail);
    }
  }

  return {
    request,
    async get<Route extends keyof Reads>(route: Route, query: Reads[Route]['query']): Promise<Reads[Route]['answer']> {
      const fields = Object.entries(query).map(([name, value]) => [name, String(value)]);
      return (await request(`${route}?${new URLSearchParams(fields)}`)).json();
    },
    async post<Route extends keyof Writes>(
      route: Route,
      body: Writes[Route]['body'],
    ): Promise<Writes[Route]['answer']> {
      const options = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
      return (await request(route, options)).json();
    },
  };
}
