import { rm } from 'node:fs/promises';
import type { TestProject } from 'vitest/node';
import { buildPage, makeBuildFolder } from './bot-process.ts';
import { findRedisBinary, HOW_TO_GET_REDIS, installRedis } from './redis-binary.ts';
import { startRedis } from './redis-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A real Redis that all test files share: each under a key prefix of its own; it is never flushed. */
    redisUrl: string;
    /** An empty folder at first, for what the test files share: see built-bot.ts. */
    buildFolder: string;
  }
}

/**
 * Builds the playground's page, and sees that there is a real Redis before the first test: the one of TEST_REDIS_URL, else one started here. Where there is no
 * server program and no Docker engine, it is installed with apt.
 * @throws when none can be had, saying what to install: no test is left out for want of it
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Also with TEST_REDIS_URL: tests that kill, freeze or fill a Redis start one of their own.
  if ((await findRedisBinary()) === undefined) await installRedis();

  await buildPage();
  const folder = await makeBuildFolder();
  project.provide('buildFolder', folder);
  const removeFolder = () => rm(folder, { recursive: true, force: true });

  const given = process.env.TEST_REDIS_URL;
  if (given !== undefined && given !== '') {
    project.provide('redisUrl', given);
    return removeFolder;
  }
  if ((await findRedisBinary()) === undefined) throw new Error(`${HOW_TO_GET_REDIS} Or name one by TEST_REDIS_URL.`);
  const redis = await startRedis();
  project.provide('redisUrl', redis.url);
  return async () => {
    await redis.stop();
    await removeFolder();
  };
}
