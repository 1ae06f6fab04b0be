import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { BOT_EVENTS, BOT_SCOPES, createManifest } from '../../../src/adapters/slack/manifest.ts';
import { CATALOGUE as catalogue } from '../../../src/commands/registry.ts';
import { argumentsOf, UMBRELLA } from '../../../src/commands/usage.ts';
import { METHODS } from '../../support/fake-slack/methods.ts';

const common = { catalogue, umbrella: UMBRELLA, argumentsOf };
const file = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../../slack/${name}`, import.meta.url), 'utf8'));
const httpUrl = z.object({
  settings: z.object({ interactivity: z.object({ request_url: z.string().regex(/\/slack\/events$/) }) }),
});

describe('the manifest in slack/', () => {
  it('is up to date with the command catalogue (if not, run `npm run manifest`)', () => {
    expect(file('manifest.json')).toEqual(JSON.parse(JSON.stringify(createManifest(common))));
  });

  it('has a variant for HTTP, which only differs in its URLs', () => {
    const given = file('manifest.http.json');
    const requestUrl = httpUrl.parse(given).settings.interactivity.request_url;
    expect(given).toEqual(JSON.parse(JSON.stringify(createManifest({ ...common, requestUrl }))));
  });

  it('stays within Slack’s limits', () => {
    const { display_information: display, features } = createManifest(common);
    expect(display.name.length).toBeLessThanOrEqual(35);
    expect(display.description.length).toBeLessThanOrEqual(140);
    expect(features.agent_view.agent_description.length).toBeLessThanOrEqual(300);
    expect(features.agent_view.suggested_prompts.length).toBeLessThanOrEqual(4);
    expect(features.slash_commands.length).toBeLessThanOrEqual(50);
    for (const { command, description, should_escape: escapes, ...rest } of features.slash_commands) {
      expect(command).toMatch(/^\/[a-z]{1,31}$/);
      expect(description.length).toBeLessThanOrEqual(2000);
      // Slack refuses an empty one.
      if ('usage_hint' in rest) expect(rest.usage_hint).toMatch(/^[[<].+[\]>]$/);
      expect(escapes).toBe(false);
    }
    expect(features.shortcuts.length).toBeLessThanOrEqual(10);
    for (const { name, description } of features.shortcuts) {
      expect(name.length).toBeLessThanOrEqual(24);
      expect(description.length).toBeLessThanOrEqual(150);
    }
  });

  it('has every command, by its short name and as a shortcut, and the umbrella command', () => {
    const { slash_commands: commands, shortcuts } = createManifest(common).features;
    const names = catalogue.map(({ name }) => name);
    expect(commands.map(({ command }) => command)).toEqual([...names, UMBRELLA].map((name) => `/${name}`));
    expect(shortcuts.map(({ callback_id: id }) => id)).toEqual(names.map((name) => `memory_${name}`));
  });

  it('has no scope that nothing needs', () => {
    const events: readonly string[] = BOT_EVENTS;
    const features = Object.keys(createManifest(common).features);
    for (const [scope, needs] of Object.entries(BOT_SCOPES)) {
      for (const need of needs) {
        const known = METHODS[need]?.scopes.includes(scope) || events.includes(need) || features.includes(need);
        expect(known, `${scope} for ${need}`).toBe(true);
      }
    }
  });
});
