/** What a hostile or broken far end may send: valid inputs, mutated, and things that were never valid. Seeded. */
import fc from 'fast-check';
import type { JsonValue } from '../../src/core/types.ts';

const DEEP = 200;
/** Longest text, in UTF-16 units: over all limits that the bot has for a message. */
const LONG = 20_000;

const NASTY_TEXTS = [
  ...['', ' ', '\n', '\u0000', '\ud800', '\udfff\ud800', '\u202e', '\u200b', '\ufeff', 'é', 'ﷺ'.repeat(50), '👩‍👩‍👧‍👦'],
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then', 'undefined', 'null', 'NaN'],
  ...[
    '../../etc/passwd',
    '%00',
    '%',
    '%2e%2e',
    '..',
    '.',
    '//',
    '\\',
    '*',
    '?',
    '[a-z]*',
    '{x}',
    '}:t-1',
    ':u-',
    '~',
    '|',
  ],
  ...['\r\nX-Injected: yes', "'; DROP TABLE turns; --", '<script>alert(1)</script>', '$7*7', '{{x}}', '{date}', '%s%n'],
  ...['<!channel>', '<@U0BOT>', '@everyone', '<@1>', '<#1>', '```', '`', '||', '> ', '# ', '[a](javascript:x)'],
  ...[
    '/forget',
    '!history',
    '/ttl',
    '/ttl -1',
    '/ttl 1e999',
    '/memory',
    '/help \u0000',
    '/forget everywhere',
    '!ttl 10m',
  ],
  ...['0', '-1', '1e999', '99999999999999999999', '0x10', '1.5', '١٢', 'true', '[]', '{}', 'x'.repeat(5_000)],
];

/** Any text, likely one that has broken something somewhere. */
export const nastyText: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...NASTY_TEXTS) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 200 }) },
  { weight: 1, arbitrary: fc.array(fc.nat(0xffff), { maxLength: 30 }).map((units) => String.fromCharCode(...units)) },
  { weight: 1, arbitrary: fc.nat(LONG).map((length) => 'x'.repeat(length)) },
);

const nastyNumber = fc.oneof(
  fc.constantFrom(0, -0, -1, 0.1, 1e21, 1e308, -1e308, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 53), 5e-324),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

function nested(depth: number, inner: JsonValue): JsonValue {
  let value = inner;
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

const plainJson: fc.Arbitrary<JsonValue> = fc
  .jsonValue({ maxDepth: 3 })
  .map((value): JsonValue => JSON.parse(JSON.stringify(value)));

/** Any JSON value. */
const nastyValue: fc.Arbitrary<JsonValue> = fc.oneof(
  { weight: 3, arbitrary: nastyText },
  { weight: 2, arbitrary: nastyNumber },
  {
    weight: 2,
    arbitrary: fc.constantFrom<JsonValue>(null, true, false, [], {}, [[]], [null], { length: 1 }, { toString: 1 }),
  },
  { weight: 1, arbitrary: plainJson },
  { weight: 1, arbitrary: fc.nat(DEEP).map((depth) => nested(depth, 'deep')) },
);

interface Edit {
  /** Which of the value's fields and elements, counted through all levels. */
  readonly at: number;
  readonly how: 'replace' | 'remove' | 'rename' | 'repeat' | 'wrap' | 'append' | 'add';
  readonly value: JsonValue;
  readonly text: string;
}

const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.nat(10_000),
  how: fc.constantFrom<Edit['how'][]>(
    'replace',
    'replace',
    'replace',
    'remove',
    'rename',
    'repeat',
    'wrap',
    'append',
    'add',
  ),
  value: nastyValue,
  text: nastyText,
});

interface Spot {
  readonly holder: Record<string, unknown> | unknown[];
  readonly key: string;
}

function isHolder(value: unknown): value is Record<string, unknown> | unknown[] {
  return typeof value === 'object' && value !== null;
}

function spotsOf(value: unknown): Spot[] {
  if (!isHolder(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => [{ holder: value, key }, ...spotsOf(inner)]);
}

/** Also for `__proto__`, which an assignment would take for something else. */
function put(holder: Spot['holder'], key: string, value: unknown): void {
  Object.defineProperty(holder, key, { value, writable: true, enumerable: true, configurable: true });
}

function apply(root: { value: unknown }, { at, how, text, ...more }: Edit): void {
  // Of its own: a value that is put in twice could end up inside of itself.
  const value = structuredClone(more.value);
  const spots = spotsOf(root);
  const spot = spots[at % spots.length];
  if (spot === undefined) return;
  const { holder, key } = spot;
  const old: unknown = Reflect.get(holder, key);
  const place = Array.isArray(holder) ? key : text;
  switch (how) {
    case 'replace':
      put(holder, key, value);
      break;
    case 'remove':
      Reflect.deleteProperty(holder, key);
      break;
    case 'rename':
      Reflect.deleteProperty(holder, key);
      put(holder, place, old);
      break;
    case 'repeat':
      put(holder, key, [old, old, old]);
      break;
    case 'wrap':
      put(holder, key, { [key]: old });
      break;
    case 'append':
      put(holder, key, typeof old === 'string' ? `${old}${text}` : value);
      break;
    case 'add':
      put(isHolder(old) && !Array.isArray(old) ? old : holder, place, value);
      break;
  }
}

/** `sample` with one to four things wrong with it; now and then as it is. */
export function mutated(sample: JsonValue): fc.Arbitrary<unknown> {
  return fc.array(edit, { minLength: 0, maxLength: 4 }).map((edits) => {
    const root: { value: unknown } = { value: structuredClone(sample) };
    for (const one of edits) apply(root, one);
    return root.value;
  });
}

/** A body that was meant to be JSON: mutated, cut off, not JSON, not even text. */
export function mutatedBody(sample: JsonValue): fc.Arbitrary<Buffer> {
  const json = mutated(sample).map((value) => Buffer.from(JSON.stringify(value) ?? '', 'utf8'));
  return fc.oneof(
    { weight: 8, arbitrary: json },
    {
      weight: 1,
      arbitrary: fc.tuple(json, fc.nat(10_000)).map(([body, at]) => body.subarray(0, at % (body.length + 1))),
    },
    { weight: 1, arbitrary: nastyText.map((text) => Buffer.from(text, 'utf16le')) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)) },
  );
}

const CHUNK = 250;

/** The same inputs for the same seed. */
export function* inputsOf<T>(arbitrary: fc.Arbitrary<T>, runs: number, seed: number): Generator<T> {
  for (let done = 0; done < runs; done += CHUNK) {
    yield* fc.sample(arbitrary, { seed: seed + done, numRuns: Math.min(CHUNK, runs - done) });
  }
}
