/** The recall part: how much of what a question is about the model is shown, beside other ways, and what that costs. */
import { printNumber } from '../print.ts';
import type { BenchPart, Cell } from '../report.ts';
import { readLocomo } from './locomo.ts';
import { type Quality, qualityOf } from './quality.ts';
import { measureSpeed } from './speed.ts';
import { everything, plainBm25, product, trimmed, type Way } from './ways.ts';

/** The default of RECALL_TOKENS. */
const DEFAULT = 1_950;

export const runRecall: BenchPart = async (context) => {
  const { short, data = '', progress } = context;
  const read = readLocomo(data, Date.now());
  const conversations = short
    ? read.slice(0, 2).map((one) => ({ ...one, questions: one.questions.slice(0, 20) }))
    : read;
  const ways: readonly (readonly [name: string, way: Way])[] = [
    ['recollect, by default', product(DEFAULT)],
    ['recollect, RECALL_TOKENS=1000', product(1_000)],
    ['recollect, RECALL_TOKENS=2400', product(2_400)],
    ['recollect, RECALL_TOKENS=2900', product(2_900)],
    ['the window alone (RECALL_TOKENS=0)', product(0)],
    ['the window and plain BM25', plainBm25(DEFAULT)],
    ['trimMessages within 2,500 tokens', trimmed(2_400)],
    ['the whole conversation', everything],
  ];
  const rows: Cell[][] = [];
  let byDefault: Quality = { any: 0, all: 0, tokens: Number.NaN, questions: 0 };
  for (const [name, way] of ways) {
    progress(name);
    const quality = await qualityOf(conversations, way);
    if (rows.length === 0) byDefault = quality;
    rows.push([name, quality.any, quality.all, quality.tokens]);
  }
  progress('halves');
  const halves = await Promise.all(
    [0, 1].map((half) =>
      qualityOf(
        conversations.filter((_, index) => index % 2 === half),
        product(DEFAULT),
      ),
    ),
  );
  progress('the store');
  const speed = await measureSpeed(context, conversations);
  const percent = (value: number) => `${value.toFixed(1)} %`;
  return {
    part: 'recall',
    tables: [
      {
        title: 'Evidence that the model is shown',
        note: `LoCoMo: ${byDefault.questions} questions about ${conversations.length} conversations whose evidence is known. Percent of the questions with any of it, or all of it, in the request; tokens of all texts of a request (o200k_base), on average.`,
        columns: ['way', 'any %', 'all %', 'tokens'],
        rows,
      },
      {
        title: 'The halves of the conversations',
        note: 'Every second conversation, and the others. The constants of the ranking were chosen on all of them.',
        columns: ['half', 'any %', 'all %', 'tokens'],
        rows: halves.map(({ any, all, tokens }, half): Cell[] => [
          half === 0 ? 'first, third …' : 'second, fourth …',
          any,
          all,
          tokens,
        ]),
      },
      {
        title: 'What recall costs on Redis',
        note: `A conversation of ${speed.messages} messages. Added: the read of all its messages and the search, against RECALL_TOKENS=0, one question at a time. Then 32 such conversations at once, as many questions as they can; Redis CPU of a question.`,
        columns: ['what', 'figure'],
        rows: [
          ['added ms, p50', speed.p50],
          ['added ms, p99', speed.p99],
          ['32 at once: questions/s', speed.questionsPerSecond],
          ['32 at once: Redis CPU ms a question', speed.redisCpuMs],
          ['32 at once: went on without', speed.skipped],
        ],
      },
    ],
    bars: [
      {
        name: 'any of the evidence',
        wanted: '>= 91 %',
        measured: percent(byDefault.any),
        holds: short ? 'not judged' : byDefault.any >= 91,
      },
      {
        name: 'all of the evidence',
        wanted: '>= 79 %',
        measured: percent(byDefault.all),
        holds: short ? 'not judged' : byDefault.all >= 79,
      },
      {
        name: 'tokens of a request',
        wanted: '<= 2,500',
        measured: printNumber(byDefault.tokens),
        holds: short ? 'not judged' : byDefault.tokens <= 2_500,
      },
      {
        name: 'time added, p99',
        wanted: '<= 15 ms',
        measured: `${printNumber(speed.p99)} ms`,
        holds: short ? 'not judged' : speed.p99 <= 15,
      },
      {
        name: `leaks after ${speed.removed} removals`,
        wanted: '0',
        measured: String(speed.leaks),
        holds: speed.leaks === 0,
      },
    ],
  };
};
