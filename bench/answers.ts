/** What one answer costs besides its model, by its length, in small pieces: on each way to its reader. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { messageBody } from '../src/adapters/discord/reply/render.ts';
import { messageOf } from '../src/adapters/slack/reply/render.ts';
import { cutStream } from '../src/adapters/slack/reply/stream-cut.ts';
import { createLogger } from '../src/app/log.ts';
import type { Reply } from '../src/core/ports.ts';
import { encodeSession } from '../src/core/session.ts';
import { beginsWith } from '../src/lib/begins-with.ts';
import { createAnnouncedReply } from '../src/replies/announced-reply.ts';
import { createLiveReply } from '../src/replies/live-reply.ts';
import { joinText, type LiveText, NOTHING_SEEN } from '../src/replies/live-text.ts';
import { createManualClock, type ManualClock } from '../test/support/manual-clock.ts';
import { figureOf } from './figures.ts';
import type { BenchPart, Cell, Figure } from './report.ts';

/** A piece of five characters each 12.5 ms: what a fast model says. */
const PIECE = 5;
const PIECES_A_STEP = 8;
const STEP_MS = 100;
const LINE = 'some words of an answer with *emphasis*, `code` and a https://link.example in it. ';

const lease = { alive: () => true, signal: new AbortController().signal };
const quiet = createLogger({ level: 'silent', secrets: [] });

/** One way of an answer to its reader; `open` gives what is told of it as it grows. */
interface Way {
  readonly name: string;
  open(clock: ManualClock): Pick<Reply, 'update' | 'end'>;
}

const edited = (render: (text: string) => object, limit: number) => (clock: ManualClock) =>
  createLiveReply(
    {
      async post(part, text) {
        JSON.stringify(render(text));
        return String(part);
      },
      async edit(_id, text) {
        JSON.stringify(render(text));
        return 'edited';
      },
      async remove() {},
    },
    {
      ...{ sessionId: encodeSession({ place: { platform: 'p', channel: 'c' } }), turnId: 't', messageRefs: new Map() },
      ...{ resumed: false, saveMessageRef: async () => {}, lease, locale: 'en' },
    },
    {
      ...{ limit, intervalMs: 1_000, firstPostDelayMs: 700, typingRefreshMs: 8_000, nonceTrustMs: 0, cursor: '' },
      ...{ clock, timers: clock, log: quiet, unreconciled() {} },
    },
  );

const WAYS: readonly Way[] = [
  {
    name: 'HTTP and the playground: live text for followers',
    open(clock) {
      let live: LiveText = NOTHING_SEEN;
      let shown = '';
      return createAnnouncedReply({
        ...{ stream: 's', lease, onLost() {}, timers: clock },
        async announce(event) {
          const heard = JSON.parse(JSON.stringify(event));
          if (heard.kind !== 'live.text') return;
          live = joinText(live, heard);
          JSON.stringify({ text: beginsWith(live.text, shown) ? live.text.slice(shown.length) : live.text });
          shown = live.text;
        },
      });
    },
  },
  { name: 'Discord: posted and edited', open: edited((text) => messageBody(text), 2_000) },
  { name: 'Slack: posted and edited', open: edited((text) => messageOf(text, 'markdown'), 9_000) },
  { name: 'Slack: posted and edited, as its own markup', open: edited((text) => messageOf(text, 'sections'), 9_000) },
  {
    name: 'Slack: where a stream is cut, all of it waiting',
    open: () => ({
      update() {},
      async end({ text }) {
        for (let at = 0, head = ''; at < text.length; ) {
          const cut = cutStream(head, text.slice(at), false);
          at += cut.used;
          head = cut.head;
        }
      },
    }),
  },
];

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

interface Cost {
  readonly ms: number;
  readonly bytes: number;
}

/** CPU of this process, and by how much its heap grew at most, as seen each 4,000 characters. */
async function costOf({ open }: Way, length: number): Promise<Cost> {
  const text = LINE.repeat(Math.ceil(length / LINE.length)).slice(0, length);
  const clock = createManualClock();
  collect();
  const before = process.memoryUsage().heapUsed;
  let most = before;
  const since = process.cpuUsage();
  const reply = open(clock);
  let grown = '';
  for (let at = 0; at < length; ) {
    for (let piece = 0; piece < PIECES_A_STEP; piece += 1, at += PIECE) {
      grown += text.slice(at, at + PIECE);
      reply.update(grown);
    }
    await clock.advance(STEP_MS);
    if (at % 4_000 === 0) most = Math.max(most, process.memoryUsage().heapUsed);
  }
  await reply.end({ kind: 'answered', text, stopped: false });
  const { user, system } = process.cpuUsage(since);
  most = Math.max(most, process.memoryUsage().heapUsed);
  return { ms: (user + system) / 1_000, bytes: most - before };
}

export const runAnswers: BenchPart = async ({ short, progress }) => {
  const lengths = short ? [200, 400] : [1_000, 10_000, 40_000];
  const rounds = short ? 1 : 5;
  const rows: (readonly Cell[])[] = [];
  for (const way of WAYS) {
    progress(way.name);
    await costOf(way, lengths[0] ?? 0);
    const costs: Figure[] = [];
    const cells: Cell[] = [way.name];
    for (const length of lengths) {
      const all: Cost[] = [];
      for (let round = 0; round < rounds; round += 1) all.push(await costOf(way, length));
      costs.push(figureOf(all.map(({ ms }) => (1_000 * ms) / (length / 1_000))));
      cells.push(figureOf(all.map(({ ms }) => ms)), figureOf(all.map(({ bytes }) => bytes / 2 ** 20)));
    }
    const [least, most] = [costs.at(1) ?? costs.at(0), costs.at(-1)];
    rows.push([...cells, (most?.median ?? 0) / (least?.median ?? 1)]);
  }
  const names = lengths.map((length) => `${length.toLocaleString('en')} characters`);
  return {
    part: 'answers',
    tables: [
      {
        title: 'One answer in pieces of five characters',
        note: `80 pieces a second on a clock that is played. CPU ms of the whole answer, and by how many MB the heap grew at most. Last: the cost of a character at the greatest length against ${names[1]}; 1 is linear. Median of ${rounds} rounds.`,
        columns: ['way', ...names.flatMap((name) => [`${name}: ms`, 'MB']), 'a character, against'],
        rows,
      },
    ],
    bars: [],
  };
};
