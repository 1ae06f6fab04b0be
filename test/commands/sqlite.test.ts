import { makeSqliteFixture } from '../memory/sqlite-fixture.ts';
import { describeCommands } from './suite/index.ts';

describeCommands('SQLite', makeSqliteFixture);
