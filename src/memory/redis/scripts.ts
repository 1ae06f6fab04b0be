/**
 * The scripts on one place: each changes what must change together, at once or not at all. All keys of a script share the
 * place's slot.
 * Turn records are found by the id in the inbox, so their names are made inside the scripts from the conversation's key
 * (KEYS[1] .. ':turn:' .. id), which has the same hash tag; so are the names of what commitTurn and appendTurn need, since
 * every byte that is handed over costs both sides.
 *
 * An inbox element is four lines: generation, the message without its text (JSON), its text (JSON string), its private
 * rest (JSON: author's name, quotes, attachments). Forgetting keeps the first two. No line ever has a raw newline in it,
 * since all are JSON; and nothing is re-encoded in Lua, whose cjson turns [] into {} and shortens numbers.
 *
 * At maxmemory Redis refuses a script at its first command that could take memory, unless the script has written before.
 * So what must go on then (take, fail, finish, forget, removeTurns) begins with a write that takes none, and what must not
 * (offer, commit) begins with one that does.
 */
import * as commit from './commit-scripts.ts';
import * as listing from './listing-scripts.ts';
import * as memory from './memory-scripts.ts';
import * as turn from './turn-scripts.ts';

/** The scripts by name, with the number of keys where it is fixed. */
export const PLACE_SCRIPTS = {
  offerTurn: { lua: turn.offerTurn },
  takeTurn: { lua: turn.takeTurn, numberOfKeys: 4 },
  writeRecord: { lua: turn.writeRecord, numberOfKeys: 2 },
  countFailure: { lua: turn.countFailure, numberOfKeys: 2 },
  settleTurn: { lua: turn.settleTurn, numberOfKeys: 2 },
  commitTurn: { lua: commit.commitTurn, numberOfKeys: 1 },
  appendTurn: { lua: commit.appendTurn, numberOfKeys: 1 },
  finishTurn: { lua: turn.finishTurn, numberOfKeys: 3 },
  followTurn: { lua: turn.followTurn, numberOfKeys: 1 },
  stopTurn: { lua: turn.stopTurn, numberOfKeys: 1 },
  amendTurn: { lua: turn.amendTurn, numberOfKeys: 2 },
  forgetConversation: { lua: memory.forgetConversation, numberOfKeys: 7 },
  removeTurns: { lua: memory.removeTurns, numberOfKeys: 6 },
  setTtl: { lua: memory.setTtl, numberOfKeys: 6 },
  authorsOf: { lua: listing.authorsOf, numberOfKeys: 2 },
  markPeople: { lua: listing.markPeople, numberOfKeys: 3 },
  note: { lua: listing.note, numberOfKeys: 1 },
  noted: { lua: listing.noted, numberOfKeys: 1 },
} as const;
