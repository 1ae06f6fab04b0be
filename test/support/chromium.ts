import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Where Debian, and others, have it. */
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

const HOW_TO_GET_CHROMIUM =
  'The tests of the playground need Chromium. Install it (Debian and Ubuntu: apt install chromium), or name one by CHROMIUM_PATH.';

/** Without a sandbox, which needs rights that containers do not have, and without calls home. */
export const CHROMIUM_OPTIONS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The path of a Chromium on this machine; undefined when there is none. */
async function findChromium(): Promise<string | undefined> {
  const given = process.env.CHROMIUM_PATH;
  for (const path of given === undefined || given === '' ? PLACES : [given]) {
    const executable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (executable) return path;
  }
  return undefined;
}

/** Installs Debian's chromium, as root, with apt. Says on stderr why it takes a while, and why it failed. */
async function installChromium(): Promise<void> {
  if (process.getuid?.() !== 0) return;
  process.stderr.write('There is no Chromium on this machine: installing it with apt for the tests.\n');
  const options = {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeout: 600_000,
    maxBuffer: 64 * 1024 * 1024,
  };
  const waitForOthers = ['-o', 'DPkg::Lock::Timeout=120'];
  try {
    await run('apt-get', [...waitForOthers, 'update'], options);
    await run('apt-get', [...waitForOthers, 'install', '-y', '--no-install-recommends', 'chromium'], options);
  } catch (error) {
    process.stderr.write(`It could not be installed: ${error instanceof Error ? error.message : String(error)}\n`);
  }
}

/**
 * The path of a Chromium, installed if need be. Undefined, and said plainly on stderr, where there is none to be had.
 * @throws where it must be had: under CI=true nothing is left out
 */
export async function haveChromium(): Promise<string | undefined> {
  if ((await findChromium()) === undefined) await installChromium();
  const path = await findChromium();
  if (path !== undefined) return path;
  if (process.env.CI === 'true') throw new Error(HOW_TO_GET_CHROMIUM);
  process.stderr.write(`NOT RUN: the tests of the playground in a browser. ${HOW_TO_GET_CHROMIUM}\n`);
  return undefined;
}
