import { it } from 'vitest';
import Database from 'libsql';
import { makeSqliteFixture } from './sqlite-fixture.ts';
import { LIMITS, messageOf, runTurn, sessionOf } from '../contracts/store/support.ts';
it('x', async () => {
  const f = await makeSqliteFixture({ ...LIMITS, observer: { badElement: (...a) => console.log('bad', a), error: (...a) => console.log(a) } });
  const fresh = sessionOf({ channel: 'C9' }); const own = sessionOf();
  await runTurn(f.store, messageOf(own, 'm2'));
  await runTurn(f.store, messageOf(sessionOf({thread:'17.1',channel:'C2'}), 'm1'));
  await f.store.offer(messageOf(fresh, 'm8'));
  await f.store.forget(own);
  const raw = () => { const db = new Database(f.dataDir+'/store.db'); const r=[db.prepare('select seq, session from inbox').all(), db.prepare('select * from progress').all()]; db.close(); return JSON.stringify(r); };
  console.log(raw());
  await f.store.conversations({ platform: 'slack', workspace: 'T1', user: 'ada' });
  console.log(raw());
  console.log((await f.store.take(fresh))?.lease);
  console.log(raw());
  await f.close();
});
