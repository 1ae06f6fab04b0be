/**
 * Finds every regular expression of a source text, and whether its cost grows faster than its input: exponentially, or
 * polynomially, also by searching (`/\s+$/` is tried anew at each of many spaces).
 *
 * recheck decides it by automata where it can and by fuzzing where it can't (lookarounds). Others were looked at: safe-regex2
 * knows stars in stars only, redos-detector stops at a score that long harmless patterns reach, too.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { parseSync } from '@swc/core';
import { checkSync } from 'recheck';
import { z } from 'zod';

export interface RegularExpression {
  readonly source: string;
  readonly flags: string;
}

export interface Found {
  readonly literals: readonly RegularExpression[];
  /** Where one is made at run time (`RegExp`, `text.match('…')`), which nothing can check: by what. */
  readonly made: readonly string[];
}

/** Milliseconds for one expression. The slowest takes a few seconds; one that takes longer counts as not checked. */
const TIMEOUT_MS = 120_000;

/** Those of each file of TypeScript or JavaScript in a folder and below it. */
export async function regularExpressionsIn(folder: string): Promise<readonly (Found & { readonly file: string })[]> {
  const files = (await readdir(folder, { recursive: true })).filter((file) => /\.[cm]?[jt]sx?$/.test(file)).sort();
  return Promise.all(
    files.map(async (file) => ({
      file,
      ...regularExpressionsOf(await readFile(join(folder, file), 'utf8'), {
        typescript: /tsx?$/.test(file),
        jsx: /x$/.test(file),
      }),
    })),
  );
}

/** `typescript` and `jsx` tell how the source is written; else it is JavaScript. @throws Error when it can't be parsed. */
export function regularExpressionsOf(
  code: string,
  { typescript, jsx = false }: { readonly typescript: boolean; readonly jsx?: boolean },
): Found {
  const literals: RegularExpression[] = [];
  const made: string[] = [];
  const syntax = typescript ? ({ syntax: 'typescript', tsx: jsx } as const) : ({ syntax: 'ecmascript', jsx } as const);
  const { body } = parseSync(code, { ...syntax, target: 'es2022' });
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) node.forEach(visit);
    if (typeof node !== 'object' || node === null || Array.isArray(node)) return;
    switch (field(node, 'type')) {
      case 'RegExpLiteral':
        literals.push({ source: String(field(node, 'pattern')), flags: String(field(node, 'flags')) });
        return;
      case 'TsTypeReference':
        return;
      case 'BinaryExpression':
        // Asks only.
        if (field(node, 'operator') !== 'instanceof') break;
        visit(field(node, 'left'));
        return;
      case 'Identifier':
        if (field(node, 'value') === 'RegExp') made.push('RegExp');
        break;
      case 'CallExpression':
        if (compiles(node)) made.push(String(field(field(field(node, 'callee'), 'property'), 'value')));
        break;
    }
    for (const child of Object.values(node)) visit(child);
  };
  visit(body);
  return { literals, made };
}

/** `text.match('a+')` compiles its text, as `matchAll` and `search` do: https://tc39.es/ecma262/#sec-string.prototype.match. */
const COMPILING = ['match', 'matchAll', 'search'];

function compiles(call: object): boolean {
  const method = field(field(field(call, 'callee'), 'property'), 'value');
  const [argument] = [field(call, 'arguments')].flat();
  const kind = field(field(argument, 'expression'), 'type');
  return (
    typeof method === 'string' &&
    COMPILING.includes(method) &&
    (kind === 'StringLiteral' || kind === 'TemplateLiteral' || kind === 'BinaryExpression')
  );
}

function field(node: unknown, name: string): unknown {
  return typeof node === 'object' && node !== null
    ? Object.entries(node).find(([key]) => key === name)?.[1]
    : undefined;
}

/** Why an expression may not stay: what an input makes of it. Undefined: its cost is linear in its input. */
export function faultOf({ source, flags }: RegularExpression): string | undefined {
  // Its other forms are a binary and a Java program, which not every machine runs.
  process.env.RECHECK_BACKEND = 'pure';
  const found = checkSync(source, flags, { timeout: TIMEOUT_MS });
  switch (found.status) {
    case 'safe':
      return undefined;
    case 'vulnerable':
      // What it guesses from steps, which long bounded repeats (`.{2,24}`) make many, is tried on the engine itself.
      if (found.complexity.isFuzz && ends({ source, flags }, [attackOf(found.attack)])) return undefined;
      return `${found.complexity.summary}, by ${found.attack.pattern}`;
    case 'unknown':
      return `not checked: ${found.error.kind}`;
  }
}

type Attack = Extract<ReturnType<typeof checkSync>, { status: 'vulnerable' }>['attack'];

/** The attack at a length at which nothing quadratic ends. */
function attackOf({ pumps, suffix }: Attack): string {
  const times = (pump: string) => Math.ceil(LENGTH / Math.max(1, pump.length * pumps.length));
  return pumps.map(({ prefix, pump }) => prefix + pump.repeat(times(pump))).join('') + suffix;
}

/** Units of an input. In a search that is quadratic these are 20,000,000,000 steps: minutes. In a linear one, milliseconds. */
export const LENGTH = 200_000;
/** What ends a search that does not end; no expectation of how long a linear one takes. */
const GIVEN_UP_MS = 10_000;

const stopped = z.object({ code: z.literal('ERR_SCRIPT_EXECUTION_TIMEOUT') });

/** Whether a search through every input ends. The engine is stopped when it does not: it looks for that while it goes back. */
export function ends(tried: RegularExpression, inputs: Iterable<string>): boolean {
  const script = 'for (const input of inputs) { const found = new RegExp(source, flags); input.replace(found, ""); }';
  try {
    runInNewContext(script, { ...tried, inputs: [...inputs] }, { timeout: GIVEN_UP_MS });
    return true;
  } catch (thrown) {
    // An error of the other context, so no Error of this one.
    if (stopped.safeParse(thrown).success) return false;
    throw thrown;
  }
}
