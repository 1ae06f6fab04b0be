import { expect, it } from 'vitest';
import { bannerOf } from '../../src/app/banner.ts';
import { phrases } from '../../src/i18n/messages.ts';

const url = 'http://127.0.0.1:8000';

it('tells who starts it bare what memory it has, what is off and what switches it on', () => {
  const facts = { dataDir: '/srv/data', model: undefined, platforms: ['web', 'http'], url };
  const english = bannerOf(facts, phrases('en')).join('\n');
  expect(english).toMatch(/embedded store in \/srv\/data.*one process only.*REDIS_URL/);
  expect(english).toMatch(/built-in demo.*OPENAI_API_KEY.*OPENAI_BASE_URL/);
  expect(english).toContain('On: HTTP.');
  expect(english).toContain('Off: Discord (set DISCORD_TOKEN).');
  expect(english).toContain('Off: Slack (set SLACK_BOT_TOKEN and SLACK_APP_TOKEN).');
  expect(english).toContain(`Say hello: ${url}, or: curl ${url}/chat `);
  expect(english).toContain(`${url}/docs`);
  const chinese = bannerOf(facts, phrases('zh-CN')).join('\n');
  for (const fact of ['/srv/data', 'REDIS_URL', 'OPENAI_API_KEY', 'DISCORD_TOKEN', 'SLACK_APP_TOKEN', url]) {
    expect(chinese).toContain(fact);
  }
  expect(chinese).toContain('未开启：Slack（请设置 SLACK_BOT_TOKEN和SLACK_APP_TOKEN）。');
});

it('names the store, the model and the platforms that are set up, and no password', () => {
  const redisUrl = 'redis://bot:secret@redis.internal:6380/2';
  const platforms = ['web', 'http', 'discord', 'slack'];
  const facts = { redisUrl, dataDir: '/srv/data', model: 'gpt-4o (api.openai.com)', platforms, url };
  const lines = bannerOf(facts, phrases('en'));
  expect(lines[0]).toMatch(/^Memory: Redis at redis\.internal:6380\./);
  expect(lines[1]).toBe('Model: gpt-4o (api.openai.com).');
  expect(lines[2]).toBe('On: Discord, Slack, and HTTP.');
  expect(lines.join('\n')).not.toMatch(/secret|Off:|srv/);
});
