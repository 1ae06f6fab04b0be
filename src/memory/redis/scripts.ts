/**
 * The scripts, each in a file of its own that says what its keys, arguments and answers are. What the scripts on one place
 * change, they change together, at once or not at all: all their keys share the place's slot. The indexes have a slot of their
 * own. Turn records are found by the id in the inbox, so their names are made inside the scripts from the conversation's key,
 * which has the same hash tag; so are the names of what a commit needs, since every byte that is handed over costs both sides.
 *
 * An inbox element is four lines: a number (0), the message without its text (JSON), its text (JSON string), its private rest
 * (JSON: author's name, quotes, attachments). Forgetting keeps the first two. No line ever has a raw newline in it, since all
 * are JSON; and nothing is re-encoded in Lua, whose cjson turns [] into {} and shortens numbers.
 *
 * At maxmemory Redis refuses a script at its first command that could take memory, unless the script has written before. So
 * what must go on then (claim, fail, complete, forget, removeTurns) begins with a write that takes none, and what must not
 * (enqueue, commit) begins with one that does. While a slot moves, a command on a key that has moved is refused, so a script
 * reads its keys before it writes to the first of them, and does nothing by halves.
 */
import { readFileSync } from 'node:fs';
import type { ClientContext, Result } from 'ioredis';

type Argument = string | number;

interface Script {
  readonly lua: string;
  readonly numberOfKeys?: number;
}

const INCLUDE = /^-- @include ([a-z-]+)$/gm;

function read(file: string): string {
  return readFileSync(new URL(`scripts/${file}.lua`, import.meta.url), 'utf8');
}

/** The text of a script with its includes in place, each once. */
function assemble(file: string, included = new Set<string>()): string {
  return read(file).replace(INCLUDE, (_, name: string) => {
    if (included.has(name)) return '';
    included.add(name);
    return assemble(`include/${name}`, included);
  });
}

/** @param numberOfKeys where it is fixed; else the first argument of a call says it */
function load(file: string, numberOfKeys?: number): Script {
  // Comments are for readers; Redis is sent every byte of the rest once.
  const lua = assemble(file).replace(/^ *--.*\n/gm, '');
  return numberOfKeys === undefined ? { lua } : { lua, numberOfKeys };
}

/** The scripts by the names of their commands. */
export const SCRIPTS = {
  enqueueTurn: load('enqueue-turn'),
  claimTurn: load('claim-turn'),
  headOfInbox: load('head-of-inbox', 2),
  saveTurn: load('save-turn', 1),
  countFailure: load('count-failure', 1),
  settleTurn: load('settle-turn', 1),
  commitTurn: load('commit-turn', 2),
  appendTurn: load('append-turn', 1),
  completeTurn: load('complete-turn'),
  followTurn: load('follow-turn', 1),
  stopTurn: load('stop-turn', 1),
  amendTurn: load('amend-turn', 2),
  replaceElement: load('replace-element', 2),
  findSource: load('find-source', 1),
  forgetConversation: load('forget-conversation', 6),
  removeTurns: load('remove-turns', 6),
  setTtl: load('set-ttl', 6),
  authorsOf: load('authors-of', 2),
  markPeople: load('mark-people', 3),
  setFlag: load('set-flag', 1),
  hasFlag: load('has-flag', 1),
  markPending: load('mark-pending', 1),
  clearPending: load('clear-pending', 1),
  takeDue: load('take-due', 1),
  renewBeat: load('renew-beat', 1),
  indexConversations: load('index-conversations', 4),
  sweepIndex: load('sweep-index', 3),
  factsOf: load('facts-of', 1),
  keepFact: load('keep-fact', 4),
  removeFacts: load('remove-facts', 2),
  indexMember: load('index-member', 1),
  dropMember: load('drop-member', 1),
  watchChannel: load('watch-channel', 3),
  advanceChannels: load('advance-channels', 2),
  watchedChannels: load('watched-channels', 3),
};

export type ScriptName = keyof typeof SCRIPTS;

type Commands<Context extends ClientContext> = {
  [Name in ScriptName]: (...args: Argument[]) => Result<unknown, Context>;
};

declare module 'ioredis' {
  interface RedisCommander<Context extends ClientContext> extends Commands<Context> {}
}
