/** The judge of the soak run sees what it is there for. */
import { describe, expect, test } from 'vitest';
import type { ChatMessage } from '../../src/core/types.ts';
import type { ModelCall } from '../support/model.ts';
import { answerTo } from '../support/visible-text.ts';
import type { Said } from './conversation.ts';
import { type Evidence, isSettled, judge } from './judge.ts';
import { NOTHING, type Outcome } from './surface.ts';

function said(number: number, more: Partial<Said> = {}): Said {
  return {
    ...{ conversation: 1, number, platform: 'discord', id: `m${number}`, text: `message ${number}.`, at: 0 },
    ...{ forgotten: false, erased: false, taken: true, settledAt: 1 },
    ...more,
  };
}

function turn(number: number): ChatMessage[] {
  const common = { timestamp: 0, turn: `m${number}`, source: `m${number}`, authorId: 'ada' };
  return [
    { ...common, role: 'user', content: `message ${number}.` },
    { ...common, role: 'assistant', content: answerTo(`message ${number}.`) },
  ];
}

function reply(number: number, more: Partial<Outcome> = {}): Outcome {
  return { replies: 1, text: answerTo(`message ${number}.`), half: false, position: `p${number}`, ...more };
}

function call(number: number, earlier: readonly string[] = []): ModelCall {
  const text = `message ${number}.`;
  const history = earlier.flatMap((before) => [
    { role: 'user' as const, content: before },
    { role: 'assistant' as const, content: answerTo(before) },
  ]);
  return {
    ...{
      number,
      text,
      attempt: 1,
      model: 'fake',
      temperature: undefined,
      headers: {},
      stream: true,
      raw: '',
      path: '',
    },
    messages: [{ role: 'system', content: 'Be brief.' }, ...history, { role: 'user', content: text }],
    ended: Promise.resolve('answered'),
  };
}

interface Case {
  readonly name: string;
  readonly messages?: readonly Said[];
  readonly replies?: readonly Outcome[];
  readonly memory?: readonly ChatMessage[];
  readonly calls?: readonly ModelCall[];
  readonly found: object;
}

const FAILED = 'The language model took too long. Please send your message again.';
const CLEAN = { lost: 0, doubled: 0, outOfOrder: 0, halves: 0, differing: 0 };
const CUT = 'No, that is not what I';

const cases: readonly Case[] = [
  { name: 'all is well', found: { ...CLEAN, answered: 2 } },
  { name: 'a message without a reply', replies: [reply(1), NOTHING], memory: turn(1), found: { lost: 1 } },
  { name: 'two replies to one', replies: [reply(1), reply(2, { replies: 2 })], found: { doubled: 1 } },
  { name: 'one remembered twice', memory: [...turn(1), ...turn(2), ...turn(2)], found: { doubled: 1, outOfOrder: 1 } },
  {
    name: 'an answer before its predecessor',
    replies: [reply(1), reply(2, { position: 'p0' })],
    found: { outOfOrder: 1 },
  },
  { name: 'a memory in another order', memory: [...turn(2), ...turn(1)], found: { outOfOrder: 1 } },
  { name: 'a reply that nobody ended', replies: [reply(1), reply(2, { half: true })], found: { halves: 1 } },
  { name: 'a reply that breaks off', replies: [reply(1), reply(2, { text: 'echo: mess' })], found: { halves: 1 } },
  { name: 'half a turn in memory', memory: [...turn(1), ...turn(2).slice(0, 1)], found: { halves: 2 } },
  { name: 'an answer that is not remembered', memory: turn(1), found: { lost: 1 } },
  {
    name: 'a failure that was said',
    replies: [reply(1), reply(2, { text: FAILED })],
    memory: turn(1),
    found: { ...CLEAN, answered: 1, failedSaid: 1 },
  },
  {
    name: 'a failure that is remembered all the same',
    replies: [reply(1), reply(2, { text: FAILED })],
    found: { halves: 1 },
  },
  {
    name: 'what was forgotten and is gone',
    messages: [said(1, { forgotten: true, erased: true }), said(2)],
    replies: [NOTHING, reply(2)],
    memory: turn(2),
    found: { ...CLEAN, answered: 1, forgotten: 1 },
  },
  {
    name: 'what was forgotten and is remembered',
    messages: [said(1, { forgotten: true, erased: true }), said(2)],
    found: { halves: 1 },
  },
  {
    name: 'words of an attempt that died in place of the answer',
    replies: [reply(1), reply(2, { text: CUT })],
    found: { differing: 1 },
  },
  {
    name: 'words of an attempt that died before the answer',
    replies: [reply(1), reply(2, { text: `${CUT}${answerTo('message 2.')}` })],
    found: { differing: 1 },
  },
  {
    name: 'words of an attempt that died, and that the turn failed',
    replies: [reply(1), reply(2, { text: `${CUT}\n\n${FAILED}` })],
    memory: turn(1),
    found: { ...CLEAN, failedSaid: 1 },
  },
  {
    name: 'words that nobody said, and that the turn failed',
    replies: [reply(1), reply(2, { text: `Something else.\n\n${FAILED}` })],
    memory: turn(1),
    found: { differing: 1 },
  },
  {
    name: 'what was forgotten and still shows words of an attempt that died',
    messages: [said(1, { forgotten: true, erased: true }), said(2)],
    replies: [reply(1, { text: CUT }), reply(2)],
    memory: turn(2),
    found: { differing: 1 },
  },
  {
    name: 'an answer that was cut off, with its note',
    replies: [reply(1), reply(2, { text: 'echo: mess\n\n(This answer was cut off: it took too long.)' })],
    memory: [
      ...turn(1),
      ...turn(2).map((half) =>
        half.role === 'user' ? half : { ...half, content: 'echo: mess', cut: 'time' as const },
      ),
    ],
    found: { differing: 0 },
  },
  { name: 'a model that was shown the wrong turn', calls: [call(2, ['message 3.'])], found: { outOfOrder: 1 } },
  { name: 'a model that was asked what nobody said', calls: [call(3)], found: { halves: 1 } },
];

describe('the judge finds', () => {
  test.each(cases)('$name', ({ messages, replies, memory, calls, found }) => {
    const all = messages ?? [said(1), said(2)];
    const outcomes = replies ?? [reply(1), reply(2)];
    const evidence: Evidence = {
      said: all,
      seen: (one) => outcomes[all.indexOf(one)] ?? NOTHING,
      memory: new Map([[1, memory ?? [...turn(1), ...turn(2)]]]),
      calls: calls ?? [call(1), call(2, ['message 1.'])],
    };
    expect(judge(evidence)).toMatchObject(found);
  });
});

test('a reply is settled when it is whole, says that there will be none, or need not be', () => {
  expect(isSettled(said(1), reply(1))).toBe(true);
  expect(isSettled(said(1), reply(1, { text: FAILED }))).toBe(true);
  expect(isSettled(said(1), reply(1, { text: `echo: mess\n\n${FAILED}` }))).toBe(true);
  expect(isSettled(said(1, { forgotten: true }), NOTHING)).toBe(true);
  expect(isSettled(said(1), NOTHING)).toBe(false);
  expect(isSettled(said(1), reply(1, { half: true }))).toBe(false);
  expect(isSettled(said(1), reply(1, { text: 'echo: mess' }))).toBe(false);
  expect(isSettled(said(1), reply(1, { text: CUT }))).toBe(false);
});
