/** /history: the conversation in pages that fit the surface, newest last; or all of it as files. */
import type { CommandAction, CommandResult, MemoryCommand } from '../core/commands.ts';
import type { SessionId } from '../core/session.ts';
import type { History } from '../core/store.ts';
import { DEFAULT_PAGE, MAX_PAGE } from './catalogue.ts';
import { exportFiles } from './export.ts';
import { cut, quote } from './markdown.ts';
import { headOf } from './message-head.ts';
import { answer, button, type CommandRequest, maxLengthOf } from './request.ts';
import { withConversation } from './target.ts';

type HistoryCommand = Extract<MemoryCommand, { name: 'history' }>;

const GAP = '\n\n';
/** Messages that a page has room for, however long they are, if as many are asked for. */
const MIN_ON_A_PAGE = 3;

export function runHistory(ask: CommandRequest, command: HistoryCommand): Promise<CommandResult> {
  return withConversation(ask, command, (sessionId) =>
    command.export === true ? exportAll(ask, sessionId) : showPage(ask, sessionId, command),
  );
}

async function exportAll(ask: CommandRequest, sessionId: SessionId): Promise<CommandResult> {
  const { texts, deps } = ask;
  const all = await deps.memory.history(sessionId, { limit: deps.maxMessages });
  if (all === undefined) return answer('done', texts.commands.nothingHere);
  const text = [texts.commands.history.exported(all.messages.length), ...unreadable(ask, all)].join('\n');
  return answer('done', text, { files: exportFiles(ask, sessionId, all.messages) });
}

/** What a page shows: `count` elements (readable or not), after skipping the `offset` newest. */
interface Page {
  readonly blocks: readonly string[];
  readonly offset: number;
  readonly count: number;
  readonly shortened: boolean;
}

async function showPage(ask: CommandRequest, sessionId: SessionId, command: HistoryCommand): Promise<CommandResult> {
  const { texts, deps } = ask;
  const limit = Math.min(Math.max(command.limit ?? DEFAULT_PAGE, 1), MAX_PAGE);
  const end = command.newerThan;
  const offset = end === undefined ? (command.offset ?? 0) : Math.max(0, end - limit);
  const size = end === undefined ? limit : Math.max(1, end - offset);
  const history = await deps.memory.history(sessionId, { offset, limit: size });
  if (history === undefined) return answer('done', texts.commands.nothingHere);
  // What the button remembers is gone meanwhile.
  if (offset >= history.total) return showPage(ask, sessionId, { name: 'history', limit });

  const { commands } = texts;
  const notes = unreadable(ask, history);
  const { total } = history;
  const longest = [
    ...notes,
    commands.history.shortened,
    commands.history.footer(total, total, total, history.expiresInMs),
  ];
  const room = maxLengthOf(ask.context) - GAP.length - longest.join('\n').length;
  const page = fillPage(ask, history, { room, offset, size, fromOldest: end !== undefined });
  const footer = [
    ...notes,
    ...(page.shortened ? [commands.history.shortened] : []),
    commands.history.footer(total - page.offset - page.count + 1, total - page.offset, total, history.expiresInMs),
  ].join('\n');
  const actions = ask.context.hasButtons ? pageButtons(ask, sessionId, page, { limit, total }) : [];
  return answer('done', [...page.blocks, footer].join(GAP), { actions });
}

interface PageBounds {
  readonly room: number;
  readonly offset: number;
  readonly size: number;
  /** The page hangs on its old end: what does not fit is left out at its new end. */
  readonly fromOldest: boolean;
}

function fillPage(ask: CommandRequest, history: History, bounds: PageBounds): Page {
  const { room, offset, size, fromOldest } = bounds;
  const asked = Math.min(size, history.total - offset);
  const inOrder = fromOldest ? history.messages : history.messages.toReversed();
  // Answers of models are long: each message gets its part of the page, so that a page holds more than one.
  const most = Math.floor(room / Math.min(asked, MIN_ON_A_PAGE)) - GAP.length;
  const blocks: string[] = [];
  let left = room;
  let shortened = false;
  for (const message of inOrder) {
    const head = headOf(ask, message);
    const whole = `${head}\n${quote(message.content)}`;
    const block = whole.length > most ? shortenedBlock(head, message.content, most) : whole;
    if (block.length > left) break;
    shortened ||= block !== whole;
    blocks.push(block);
    left -= block.length + GAP.length;
  }
  if (!fromOldest) blocks.reverse();
  // Cut by size beside an unreadable element the count is too low by it: the next page then repeats a message, and
  // leaves none out.
  const count = blocks.length === inOrder.length ? asked : blocks.length;
  return { blocks, count, shortened, offset: fromOldest ? offset + asked - count : offset };
}

/** The beginning of a message that is too long: as much as fits when quoted, which makes it longer by its lines. */
function shortenedBlock(head: string, content: string, room: number): string {
  let fits = `${head}\n${quote('…')}`;
  let low = 1;
  let high = Math.min(content.length, room);
  while (low <= high) {
    const length = Math.ceil((low + high) / 2);
    const block = `${head}\n${quote(cut(content, length))}`;
    if (block.length <= room) {
      fits = block;
      low = length + 1;
    } else {
      high = length - 1;
    }
  }
  return fits;
}

function pageButtons(
  ask: CommandRequest,
  sessionId: SessionId,
  { offset, count }: Page,
  { limit, total }: { readonly limit: number; readonly total: number },
): readonly CommandAction[] {
  const { older, newer } = ask.texts.buttons;
  const next = offset + count;
  return [
    ...(next < total ? [button(ask, { label: older }, { name: 'history', limit, offset: next }, sessionId)] : []),
    ...(offset > 0 ? [button(ask, { label: newer }, { name: 'history', limit, newerThan: offset }, sessionId)] : []),
  ];
}

function unreadable({ texts }: CommandRequest, { corrupt }: History): readonly string[] {
  return corrupt > 0 ? [texts.commands.history.unreadable(corrupt)] : [];
}
