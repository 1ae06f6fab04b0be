/** How the product is started. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';

const manifest = z.object({ scripts: z.object({ start: z.string().startsWith('node ') }) });

/** What `npm start` hands to Node before the program: whatever is measured or tested runs with it, too. */
export function nodeFlags(): readonly string[] {
  const { scripts } = manifest.parse(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')));
  return scripts.start.split(' ').filter((word) => word.startsWith('--'));
}
