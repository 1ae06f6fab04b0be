/** What the processes of the memory benchmarks are asked and what they answer. */
import { z } from 'zod';

/** `workers` run side by side; each holds one conversation after the other, `each` turns long. */
export const plan = z.object({
  workers: z.number(),
  turns: z.number(),
  each: z.number(),
  /** Bytes of a question and of an answer. */
  bytes: z.number(),
  /** Number of the first conversation. */
  first: z.number(),
});
export type Plan = z.infer<typeof plan>;

/** Turn after turn, each worker in conversations of its own, until it is killed; answers when each has made its first. */
const endless = z.object({
  job: z.literal('endless'),
  plan: plan.pick({ workers: true, bytes: true, first: true }),
  modelMs: z.number(),
});

export const job = z.discriminatedUnion('job', [
  /** Answers when the client is connected. */
  z.object({ job: z.literal('flush') }),
  z.object({ job: z.literal('prepare'), plan }),
  /** Runs what was prepared. */
  z.object({ job: z.literal('run') }),
  /** Writes the plan's turns as fast as it can. */
  z.object({ job: z.literal('fill'), plan }),
  /** Reads each conversation that often, one call after the other. */
  z.object({ job: z.literal('read'), conversations: z.array(z.number()), calls: z.number() }),
  endless,
]);
export type Job = z.infer<typeof job>;
export type EndlessPlan = z.infer<typeof endless>['plan'];

export const ranReply = z.object({ seconds: z.number(), cpuSeconds: z.number() });
/** Median microseconds of a call, conversation by conversation. */
export const readReply = z.array(z.number());

/** What a delay proxy answers to anything. */
export const proxyReply = z.object({
  port: z.number(),
  /** Times a client sent something after it had been given an answer, and so had waited for it. */
  roundTrips: z.number(),
  /** Of this process, since it started. */
  cpuSeconds: z.number(),
});

/** Milliseconds of PINGs. */
export const pingsReply = z.object({ count: z.number(), median: z.number(), worst: z.number() });
export type Pings = z.infer<typeof pingsReply>;
