/** The events of one conversation, over a connection that is opened again whenever it is lost. */
import type { FeedEvents } from '../schemas.ts';
import { type Api, Refused } from './api.ts';

const FIRST_DELAY_MS = 300;
const LONGEST_DELAY_MS = 3000;
/** The bot sends a comment every 15 s; a connection that is silent for longer is dead. */
const SILENT_MS = 40_000;

export interface FeedHandlers {
  readonly connected: (connected: boolean) => void;
  readonly events: { readonly [Name in keyof FeedEvents]: (data: FeedEvents[Name]) => void };
}

/**
 * `query` gives the parameters of each new connection. Every connection begins with the whole state, so whatever was missed
 * is made up for. Closed when `signal` aborts.
 */
export async function runFeed(
  api: Pick<Api, 'request'>,
  query: () => URLSearchParams,
  signal: AbortSignal,
  { connected, events }: FeedHandlers,
): Promise<void> {
  let delay = FIRST_DELAY_MS;
  while (!signal.aborted) {
    try {
      await connect();
    } catch (error) {
      if (error instanceof Refused && !error.retry && !signal.aborted) events.away({ text: error.message });
    }
    if (signal.aborted) return;
    connected(false);
    await sleep(delay, signal);
    delay = Math.min(LONGEST_DELAY_MS, delay * 2);
  }

  async function connect(): Promise<void> {
    const silence = new AbortController();
    let timer = setTimeout(() => silence.abort(), SILENT_MS);
    try {
      const options: RequestInit = { signal: AbortSignal.any([signal, silence.signal]), cache: 'no-store' };
      const response = await api.request(`events?${query()}`, options);
      delay = FIRST_DELAY_MS;
      connected(true);
      let rest = '';
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      for (let piece = await reader?.read(); piece?.value !== undefined; piece = await reader?.read()) {
        clearTimeout(timer);
        timer = setTimeout(() => silence.abort(), SILENT_MS);
        const blocks = (rest + piece.value).split('\n\n');
        rest = blocks.pop() ?? '';
        for (const block of blocks) dispatch(block);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  function dispatch(block: string): void {
    const fields = new Map(
      block.split('\n').map((line) => [line.split(': ', 1)[0], line.slice(line.indexOf(': ') + 2)]),
    );
    const name = fields.get('event');
    if (name === undefined || !isEvent(name) || signal.aborted) return;
    events[name](JSON.parse(fields.get('data') ?? 'null'));
  }

  function isEvent(name: string): name is keyof FeedEvents {
    return Object.hasOwn(events, name);
  }
}

/** Resolves when the time is over, the network is back, or the wait is cancelled. */
function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const woken = () => {
      clearTimeout(timer);
      removeEventListener('online', woken);
      signal.removeEventListener('abort', woken);
      resolve();
    };
    const timer = setTimeout(woken, ms);
    addEventListener('online', woken);
    signal.addEventListener('abort', woken);
  });
}
