import { expect, it } from 'vitest';
import { bannerOf } from '../../src/app/banner.ts';
import { driverOf } from '../../src/app/drivers.ts';
import { DESCRIPTORS } from '../../src/app/platforms.ts';
import { loadConfig } from '../../src/config/config.ts';
import type { Texts } from '../../src/i18n/messages.ts';
import { messagesIn } from '../../src/i18n/messages.ts';

const url = 'http://127.0.0.1:8000';

function bannerWith(
  settings: Record<string, string>,
  model: string | undefined,
  enabled: readonly string[],
  texts: Texts,
) {
  const config = loadConfig({ DATA_DIR: '/srv/data', ...settings });
  const store = (startup: Texts['startup']) => driverOf(config).banner(config.store, startup);
  return bannerOf({ store, model, platforms: DESCRIPTORS, enabled, url }, texts);
}

it('without settings, names the embedded store, what is off, and what switches it on', () => {
  const bare = (texts: Texts) => bannerWith({}, undefined, ['web', 'http'], texts).join('\n');
  const english = bare(messagesIn('en'));
  expect(english).toMatch(/embedded store in \/srv\/data.*one process only.*REDIS_URL/);
  expect(english).toMatch(/built-in demo.*OPENAI_API_KEY.*OPENAI_BASE_URL/);
  expect(english).toContain('On: HTTP.');
  expect(english).toContain('Off: Discord (set DISCORD_TOKEN).');
  expect(english).toContain('Off: Slack (set SLACK_BOT_TOKEN and SLACK_APP_TOKEN).');
  expect(english).toContain(`Try it: ${url}, or: curl ${url}/chat `);
  expect(english).toContain(`${url}/docs`);
  const chinese = bare(messagesIn('zh-CN'));
  for (const fact of ['/srv/data', 'REDIS_URL', 'OPENAI_API_KEY', 'DISCORD_TOKEN', 'SLACK_APP_TOKEN', url]) {
    expect(chinese).toContain(fact);
  }
  expect(chinese).toContain('未开启：Slack（请设置 SLACK_BOT_TOKEN和SLACK_APP_TOKEN）。');
});

it('names the store, the model and the platforms that are set up, and no password', () => {
  const settings = { REDIS_URL: 'redis://bot:secret@redis.internal:6380/2' };
  const on = ['web', 'http', 'discord', 'slack'];
  const lines = bannerWith(settings, 'gpt-4o (api.openai.com)', on, messagesIn('en'));
  expect(lines[0]).toMatch(/^Memory: Redis at redis\.internal:6380\./);
  expect(lines[1]).toBe('Model: gpt-4o (api.openai.com).');
  expect(lines[2]).toBe('On: Discord, Slack, and HTTP.');
  expect(lines.join('\n')).not.toMatch(/secret|Off:|srv/);
});
