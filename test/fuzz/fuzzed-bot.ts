/** The real process behind an edge, and what must hold of it when everything was sent. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BotProcess, type BotSettings, startBot } from '../support/bot-process.ts';
import { type FakeModel, startModel } from '../support/model.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';
import type { FuzzRun, Tally } from './edge.ts';

/** Only bounds what hangs. */
const SETTLED_WITHIN_MS = 60_000;
const OUTPUT_SHOWN = 5_000;

export interface FuzzedBot {
  readonly bot: BotProcess;
  readonly redis: RedisServer;
  readonly model: FakeModel;
}

/** Limits that fuzzing does not meet: it is about what comes in, not how much. */
const ROOMY: BotSettings = { RATE_LIMIT: '100000/s', MAX_WAITING: '1000', HTTP_TIMEOUT: '20', LOG_LEVEL: 'info' };

/**
 * Runs `use` with a bot on a Redis of its own, and looks afterwards whether it came through: it runs, is healthy, answers,
 * has nothing waiting, never met a fault of its own, and asked the model nothing ill-formed.
 */
export async function withFuzzedBot(
  { build }: FuzzRun,
  tally: Tally,
  settings: BotSettings,
  use: (world: FuzzedBot) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'recollect-fuzz-'));
  const redis = await startRedis();
  const model = await startModel({ reply: { pieces: 1 } });
  const store = { REDIS_URL: redis.url, OPENAI_BASE_URL: model.url, OPENAI_MODEL: 'fake' };
  try {
    const bot = await startBot(build, folder, { ...ROOMY, ...store, ...settings });
    try {
      await use({ bot, redis, model }).catch((thrown: unknown) => tally.complain(String(thrown)));
      await lookAt(bot, tally);
      if (tally.complaints.length > 0) tally.complain(`the end of its log: ${bot.output().slice(-OUTPUT_SHOWN)}`);
      for (const refusal of model.refused().slice(0, 5))
        tally.complain('the model was asked something ill-formed', refusal);
    } finally {
      await bot.release();
    }
  } finally {
    await model.close();
    await redis.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function lookAt(bot: BotProcess, tally: Tally): Promise<void> {
  const ended = await Promise.race([bot.exited, sleep(0)]);
  if (ended !== undefined) return tally.complain(`the process ended with code ${ended}: ${bot.output().slice(-3_000)}`);
  const healthy = await eventually(async () => (await fetch(`${bot.url}/health`)).ok);
  if (!healthy) tally.complain('not healthy', await (await fetch(`${bot.url}/health`)).text());
  const idle = await eventually(async () => {
    const text = await (await fetch(`${bot.url}/metrics`)).text();
    return /^bot_pending_conversations 0$/m.test(text);
  });
  if (!idle) tally.complain('something waits for ever');
  const body = JSON.stringify({ user_id: 'somebody after it all', message: 'hello' });
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${bot.url}/chat`, { method: 'POST', headers, body });
  if (!(await answer.text()).includes('echo: hello'))
    tally.complain(`a plain message is answered with ${answer.status}`);
  for (const line of bot.output().split('\n')) {
    if (/unhandled|uncaught|"code":"internal"|MaxListenersExceeded/i.test(line)) tally.complain('the log says', line);
  }
}

async function eventually(holds: () => Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + SETTLED_WITHIN_MS;
  while (performance.now() < deadline) {
    if (await holds()) return true;
    await sleep(50);
  }
  return false;
}
