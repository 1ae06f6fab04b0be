/** The events of one conversation, over a connection that is made anew whenever it is lost. */
import { Refused } from './api.js';

const FIRST_PAUSE_MS = 300;
const LONGEST_PAUSE_MS = 3000;
/** The bot sends a sign of life every 15 s; a connection silent for longer is dead, though nobody said so. */
const SILENT_MS = 40_000;

/**
 * `query()` gives the parameters for each new connection. `on` has a function for each event (`state`, `text`, `away`) and
 * `connected(boolean)`. Every connection begins with the whole state, so nothing that was missed stays missed.
 */
export function openFeed(api, query, on) {
  const closed = new AbortController();
  run();
  return { close: () => closed.abort() };

  async function run() {
    let pause = FIRST_PAUSE_MS;
    while (!closed.signal.aborted) {
      try {
        await connect(() => {
          pause = FIRST_PAUSE_MS;
          on.connected(true);
        });
      } catch (error) {
        if (error instanceof Refused && !error.retry && !closed.signal.aborted) on.away({ text: error.message });
      }
      if (closed.signal.aborted) return;
      on.connected(false);
      await sleep(pause);
      pause = Math.min(LONGEST_PAUSE_MS, pause * 2);
    }
  }

  async function connect(onOpen) {
    const silence = new AbortController();
    let timer;
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENT_MS);
    };
    alive();
    try {
      const signal = AbortSignal.any([closed.signal, silence.signal]);
      const response = await api.request(`events?${query()}`, { signal, cache: 'no-store' });
      onOpen();
      let rest = '';
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
        alive();
        const blocks = (rest + piece.value).split('\n\n');
        rest = blocks.pop();
        for (const block of blocks) dispatch(block);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  function dispatch(block) {
    const fields = new Map();
    for (const line of block.split('\n')) {
      const colon = line.indexOf(': ');
      if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 2));
    }
    if (fields.has('event') && !closed.signal.aborted) on[fields.get('event')]?.(JSON.parse(fields.get('data')));
  }

  function sleep(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      // The network is back: no need to wait on.
      addEventListener('online', resolve, { once: true, signal: closed.signal });
      closed.signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
