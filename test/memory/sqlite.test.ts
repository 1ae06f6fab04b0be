import { describeConversationStore, describeStoreDeadlines } from '../contracts/store.contract.ts';
import { makeSqliteFixture } from './sqlite-fixture.ts';

describeConversationStore('SQLite', makeSqliteFixture);
describeStoreDeadlines('SQLite', makeSqliteFixture);
