/**
 * A process with the embedded store, to be killed: `hold` opens it and says so; `commit <from>` runs one turn after the other,
 * from that number on, and says of each when the store has acknowledged its offer and its commit.
 */
import { createSqliteStore } from '../../src/memory/sqlite/store.ts';
import { answerOf, finish, LIMITS, messageOf, sessionOf, takeHead } from '../contracts/store/support.ts';

const [mode = '', dataDir = '', from = '0'] = process.argv.slice(2);
const say = (line: string) => process.stdout.write(`${line}\n`);
const session = sessionOf();

const store = await createSqliteStore({
  ...LIMITS,
  maxMessages: 100_000,
  dataDir,
  observer: {
    badElement: (id, count) => say(`bad ${id} ${count}`),
    error: (operation, error) => say(`${operation} ${error}`),
  },
});
say('open');
if (mode === 'hold') setInterval(() => undefined, 1_000);
else {
  for (let n = Number(from); ; n += 1) {
    await store.enqueue(messageOf(session, `m${n}`));
    say(`offered ${n}`);
    const { lease, message } = await takeHead(store, session);
    await store.commit(lease, message, answerOf(`answer to ${message.id}`));
    say(`committed ${n}`);
    await finish(store, lease);
  }
}
