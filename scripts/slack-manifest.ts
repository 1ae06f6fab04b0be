/** Writes the manifests of the Slack app to slack/: `npm run manifest`. A test fails when they are not what this writes. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createManifest } from '../src/adapters/slack/manifest.ts';
import { CATALOGUE } from '../src/commands/registry.ts';
import { argumentsOf, UMBRELLA } from '../src/commands/usage.ts';

/** The administrator replaces it when installing the app. */
const EXAMPLE_URL = 'https://bot.example.com/slack/events';

const common = { catalogue: CATALOGUE, umbrella: UMBRELLA, argumentsOf };
const folder = new URL('../slack/', import.meta.url);
mkdirSync(folder, { recursive: true });
for (const [file, options] of [
  ['manifest.json', common],
  ['manifest.http.json', { ...common, requestUrl: EXAMPLE_URL }],
] as const) {
  writeFileSync(new URL(file, folder), `${JSON.stringify(createManifest(options), null, 2)}\n`);
}
