/** /history: the conversation in pages that fit the surface, newest last; or all of it as files. */
import { z } from 'zod';
import type { CommandAction, CommandResult } from '../core/commands.ts';
import type { SessionId } from '../core/session.ts';
import type { History } from '../core/store.ts';
import { localised } from '../i18n/messages.ts';
import { answer, button, type CommandRequest, defineCommand, maxLengthOf } from './command.ts';
import { factPlace } from './fact-place.ts';
import { exportFiles } from './history-export.ts';
import { headOf, quotedOf } from './history-head.ts';
import { quote, quoteWithin } from './markdown.ts';
import { withConversation } from './target.ts';

/** Messages a page of the history holds at most. */
const MAX_PAGE = 50;
const DEFAULT_PAGE = 10;

const GAP = '\n\n';
/** Messages that fit on a page however long they are, if as many were requested. */
const MIN_ON_A_PAGE = 3;

const historyArgs = z.object({
  /** Messages a page, at most. */
  limit: z.number().optional(),
  /** The page begins (at its new end) after skipping this many of the newest messages. */
  offset: z.number().optional(),
  /** The page ends (at its old end) just before the message with this index from the newest; overrides `offset`. */
  newerThan: z.number().optional(),
  export: z.boolean().optional(),
});
type HistoryArgs = z.output<typeof historyArgs>;

export const history = defineCommand({
  definition: {
    name: 'history',
    description: localised(({ commands }) => commands.about.history),
    options: [
      {
        kind: 'integer',
        name: 'limit',
        description: localised(({ commands }) => commands.options.limit),
        min: 1,
        max: MAX_PAGE,
      },
      { kind: 'flag', name: 'export', description: localised(({ commands }) => commands.options.export) },
    ],
    who: 'everybody',
    alsoTried: ['log', 'export'],
  },
  args: historyArgs,
  fromOptions(values) {
    const limit = values.get('limit');
    return {
      ...(typeof limit === 'number' ? { limit } : {}),
      ...(values.get('export') === true ? { export: true } : {}),
    };
  },
  button: {
    letter: 'h',
    encode: ({ limit, offset, newerThan, export: all }) =>
      `${field('l', limit)}${field('o', offset)}${field('n', newerThan)}${all === true ? 'x' : ''}`,
    decode(text) {
      const match = /^(?:l(\d{1,6}))?(?:o(\d{1,6}))?(?:n(\d{1,6}))?(x?)$/.exec(text);
      if (match === null) return undefined;
      const [, limit, offset, newerThan, all] = match;
      return {
        ...(limit === undefined ? {} : { limit: Number(limit) }),
        ...(offset === undefined ? {} : { offset: Number(offset) }),
        ...(newerThan === undefined ? {} : { newerThan: Number(newerThan) }),
        ...(all === 'x' ? { export: true } : {}),
      };
    },
  },
  // An export reads all messages and makes files of them.
  points: ({ export: all }) => (all === true ? 12 : 2),
  run: (request, args) =>
    withConversation(request, { name: 'history', ...args }, (sessionId) =>
      args.export === true ? exportAll(request, sessionId) : showPage(request, sessionId, args),
    ),
});

function field(letter: string, value: number | undefined): string {
  return value === undefined ? '' : `${letter}${value}`;
}

async function exportAll(request: CommandRequest, sessionId: SessionId): Promise<CommandResult> {
  const { texts, deps } = request;
  const { history: lines, nothingHere } = texts.commands;
  const base = factPlace({ ...request, sessionId });
  const [all, facts] = await Promise.all([
    deps.memory.history(sessionId, { limit: deps.maxMessages }),
    base === undefined ? [] : deps.facts.list(base),
  ]);
  if (all === undefined && facts.length === 0) return answer('done', nothingHere);
  const text = [
    lines.exported(all?.messages.length ?? 0),
    ...(all === undefined ? [] : unreadable(request, all)),
    ...(facts.length === 0 ? [] : [lines.facts(facts.length)]),
  ].join('\n');
  return answer('done', text, { files: exportFiles(request, sessionId, all?.messages ?? [], facts) });
}

/** What a page shows: `count` elements (readable or not), after skipping the `offset` newest. */
interface Page {
  readonly blocks: readonly string[];
  readonly offset: number;
  readonly count: number;
  readonly shortened: boolean;
}

async function showPage(request: CommandRequest, sessionId: SessionId, args: HistoryArgs): Promise<CommandResult> {
  const { texts, deps } = request;
  const limit = Math.min(Math.max(args.limit ?? DEFAULT_PAGE, 1), MAX_PAGE);
  const end = args.newerThan;
  const offset = end === undefined ? (args.offset ?? 0) : Math.max(0, end - limit);
  const size = end === undefined ? limit : Math.max(1, end - offset);
  const history = await deps.memory.history(sessionId, { offset, limit: size });
  if (history === undefined) return answer('done', texts.commands.nothingHere);
  // The messages that the button pointed to are gone meanwhile.
  if (offset >= history.total) return showPage(request, sessionId, { limit });

  const { commands } = texts;
  const notes = unreadable(request, history);
  const { total } = history;
  const longest = [
    ...notes,
    commands.history.shortened,
    commands.history.footer(total, total, total, history.expiresInMs),
  ];
  const space = maxLengthOf(request.context) - GAP.length - longest.join('\n').length;
  const page = fillPage(request, history, { space, offset, size, fromOldest: end !== undefined });
  const footer = [
    ...notes,
    ...(page.shortened ? [commands.history.shortened] : []),
    commands.history.footer(total - page.offset - page.count + 1, total - page.offset, total, history.expiresInMs),
  ].join('\n');
  const actions = request.context.hasButtons ? pageButtons(request, sessionId, page, { limit, total }) : [];
  return answer('done', [...page.blocks, footer].join(GAP), { actions });
}

interface PageBounds {
  readonly space: number;
  readonly offset: number;
  readonly size: number;
  /** The page is filled from its old end: what does not fit is left out at its new end. */
  readonly fromOldest: boolean;
}

function fillPage(request: CommandRequest, history: History, bounds: PageBounds): Page {
  const { space, offset, size, fromOldest } = bounds;
  const asked = Math.min(size, history.total - offset);
  const inOrder = fromOldest ? history.messages : history.messages.toReversed();
  // Answers of models are long: each message gets its part of the page, so that a page holds more than one.
  const most = Math.floor(space / Math.min(asked, MIN_ON_A_PAGE)) - GAP.length;
  const blocks: string[] = [];
  let left = space;
  let shortened = false;
  for (const message of inOrder) {
    const head = headOf(request, message);
    const quoted = quotedOf(request, message);
    const block = quoteWithin(head, quoted, most);
    if (block.length > left) break;
    shortened ||= block !== `${head}\n${quote(quoted)}`;
    blocks.push(block);
    left -= block.length + GAP.length;
  }
  if (!fromOldest) blocks.reverse();
  // With an unreadable element on a page that is cut by size, the count is too low by one: the next page repeats a message
  // rather than skipping one.
  const count = blocks.length === inOrder.length ? asked : blocks.length;
  return { blocks, count, shortened, offset: fromOldest ? offset + asked - count : offset };
}

function pageButtons(
  request: CommandRequest,
  sessionId: SessionId,
  { offset, count }: Page,
  { limit, total }: { readonly limit: number; readonly total: number },
): readonly CommandAction[] {
  const { older, newer } = request.texts.buttons;
  const next = offset + count;
  return [
    ...(next < total ? [button(request, { label: older }, { name: 'history', limit, offset: next }, sessionId)] : []),
    ...(offset > 0
      ? [button(request, { label: newer }, { name: 'history', limit, newerThan: offset }, sessionId)]
      : []),
  ];
}

function unreadable({ texts }: CommandRequest, { corrupt }: History): readonly string[] {
  return corrupt > 0 ? [texts.commands.history.unreadable(corrupt)] : [];
}
