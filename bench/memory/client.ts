/** A process with one client of Redis in it: `client.ts <contender> <url>`. Jobs come and are answered by IPC. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { figureOf } from '../figures.ts';
import { serve } from './child.ts';
import { type BenchTurn, CONTENDERS, inOrder, type MemoryClient } from './contender.ts';
import { type EndlessPlan, job, type Plan, type ranReply } from './jobs.ts';
import { openClient } from './open.ts';

function textOf(bytes: number): string {
  return 'lorem ipsum dolor sit amet '.repeat(Math.ceil(bytes / 27)).slice(0, bytes);
}

/** One list of turns for each worker. */
function turnsOf({ workers, turns, each, bytes, first }: Plan): BenchTurn[][] {
  const text = textOf(bytes);
  const perWorker = Math.ceil(turns / workers);
  return Array.from({ length: workers }, (_, worker) =>
    Array.from({ length: perWorker }, (_, index) => {
      const conversation = first + worker * Math.ceil(perWorker / each) + Math.floor(index / each);
      return { conversation, turn: (index % each) + 1, question: text, answer: text };
    }),
  );
}

function createJobs(client: MemoryClient): (request: unknown) => Promise<unknown> {
  let prepared: BenchTurn[][] = [];

  const runPrepared = async (): Promise<z.infer<typeof ranReply>> => {
    const cpu = process.cpuUsage();
    const from = performance.now();
    await inOrder(prepared, async (turn) => {
      await client.open(turn);
      await client.commit(turn);
    });
    await client.flushed();
    const seconds = (performance.now() - from) / 1_000;
    const { user, system } = process.cpuUsage(cpu);
    return { seconds, cpuSeconds: (user + system) / 1e6 };
  };

  const readAll = async (conversations: readonly number[], calls: number) => {
    const times = conversations.map((): number[] => []);
    for (let call = 0; call < calls; call += 1) {
      for (const [index, conversation] of conversations.entries()) {
        const from = performance.now();
        await client.read(conversation);
        times[index]?.push((performance.now() - from) * 1_000);
      }
    }
    return times.map((list) => figureOf(list).median);
  };

  const runForEver = ({ workers, bytes, first }: EndlessPlan, modelMs: number) =>
    new Promise<void>((resolve) => {
      const text = textOf(bytes);
      let begun = 0;
      const worker = async (number: number) => {
        for (let turns = 0; ; turns += 1) {
          // Two turns, then a conversation that nobody has written to before.
          const conversation = first + number + workers * Math.floor(turns / 2);
          const turn = 1 + (turns % 2);
          const numbered = `${turn} ${text}`;
          const it = { conversation, turn, question: numbered, answer: numbered };
          await client.prepare([[it]]);
          await client.open(it);
          if (modelMs > 0) await sleep(modelMs);
          await client.commit(it);
          if (turns === 0) begun += 1;
          if (begun === workers) resolve();
        }
      };
      // What fails here ends the process, and so the parent hears of it.
      for (let number = 0; number < workers; number += 1) void worker(number);
    });

  return async (request) => {
    const asked = job.parse(request);
    switch (asked.job) {
      case 'flush':
        return await client.flushed();
      case 'prepare':
        prepared = turnsOf(asked.plan);
        await client.prepare(prepared);
        return await client.flushed();
      case 'run':
        return await runPrepared();
      case 'fill':
        await inOrder(turnsOf(asked.plan), (turn) => client.fill(turn));
        return await client.flushed();
      case 'read':
        return await readAll(asked.conversations, asked.calls);
      case 'endless':
        return await runForEver(asked.plan, asked.modelMs);
    }
  };
}

const [contender, url] = z.tuple([z.enum(CONTENDERS), z.string()]).parse(process.argv.slice(2));
serve(createJobs(await openClient(contender, url)));
