/** The bot over HTTP. */

const BASE = new URL('./api/', import.meta.url);

/** What the bot refused; `retry` says whether the very same thing may be taken later. */
export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.retry = status === 429 || status >= 500;
  }
}

export function createApi(key) {
  /** @throws Refused, and TypeError when the bot cannot be reached */
  async function request(path, options = {}) {
    for (;;) {
      const headers = key.headers();
      const response = await fetch(new URL(path, BASE), { ...options, headers: { ...options.headers, ...headers } });
      if (response.status === 401) {
        await key.ask(headers);
        continue;
      }
      if (response.ok) return response;
      const { detail = response.statusText } = await response.json().catch(() => ({}));
      throw new Refused(response.status, detail);
    }
  }
  return {
    request,
    get: async (path, query = {}) => (await request(`${path}?${new URLSearchParams(query)}`)).json(),
    post: async (path, body) => {
      const options = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
      return (await request(path, options)).json();
    },
  };
}
