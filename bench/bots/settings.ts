/** How the programs of this folder are told what they need, and tell that they are ready: by environment and one line. */
import { z } from 'zod';

const settings = z.object({
  MODEL_URL: z.url(),
  /** Where the platform's fake is; HTTP has none. */
  API_URL: z.url().optional(),
  TOKEN: z.string().optional(),
  APP_TOKEN: z.string().optional(),
});

export function readSettings(): z.infer<typeof settings> {
  return settings.parse(process.env);
}

/** @param address of what listens, where something does */
export function tellReady(address: unknown = null): void {
  process.stdout.write(`${JSON.stringify({ ready: true, address })}\n`);
}
