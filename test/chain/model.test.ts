import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createModel } from '../../src/chain/model.ts';
import { type FakeModel, startModel } from '../support/model.ts';
import { ask, input, testChain, verdict } from './harness.ts';

describe('the model of the settings', () => {
  let server: FakeModel;
  beforeEach(async () => {
    server = await startModel();
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await server.close();
    expect(server.refused()).toEqual([]);
  });

  it('works without a key when only a base URL is set, as with Ollama', async () => {
    vi.stubEnv('OPENAI_API_KEY', undefined);
    expect(await ask(await testChain({ baseUrl: server.url }), input('Hi'))).toMatchObject({ text: 'echo: Hi' });
  });

  it('leaves a quarter of what the model can take to files', async () => {
    expect((await testChain({ baseUrl: server.url, maxContextTokens: 10_000 })).fileTokens).toBe(2_500);
    expect((await testChain({ baseUrl: server.url })).fileTokens).toBe(1_500);
  });

  it('sends the key of the settings, and none of the environment', async () => {
    vi.stubEnv('OPENAI_API_KEY', 'from-the-environment');
    vi.stubEnv('OPENAI_BASE_URL', 'http://127.0.0.1:1/v1');
    vi.stubEnv('OPENAI_API_BASE', 'http://127.0.0.1:1/v1');
    await ask(await testChain({ baseUrl: server.url, apiKey: 'from-the-settings' }), input('Hi'));
    await ask(await testChain({ baseUrl: server.url }), input('Hi'));
    expect(server.journal().map(({ headers }) => headers.authorization)).toEqual([
      'Bearer from-the-settings',
      'Bearer none',
    ]);
  });

  it('is told apart by its key', async () => {
    const strict = await startModel({ apiKey: 'right' });
    const [right, wrong] = await Promise.all(
      ['right', 'wrong'].map(async (apiKey) => ask(await testChain({ baseUrl: strict.url, apiKey }), input('Hi'))),
    );
    expect(right?.text).toBe('echo: Hi');
    expect(wrong && verdict(wrong)).toMatchObject({ code: 'model_refused_key', retryable: false });
    await strict.close();
  });

  it('is asked for by its name, with a temperature only when there is one', async () => {
    await ask(await testChain({ baseUrl: server.url, model: 'llama3.2' }), input('Hi'));
    await ask(await testChain({ baseUrl: server.url, model: 'llama3.2', temperature: 0 }), input('Hi'));
    expect(server.journal().map(({ model, temperature }) => [model, temperature])).toEqual([
      ['llama3.2', undefined],
      ['llama3.2', 0],
    ]);
  });

  it('is described for people, without key and path', async () => {
    const describe = async (settings: Parameters<typeof createModel>[0]) => (await createModel(settings)).description;
    expect(await describe({})).toBe('demo model');
    expect(await describe({ model: 'gpt-4o' })).toBe('demo model');
    expect(await describe({ apiKey: 'sk-secret', model: 'gpt-4o' })).toBe('gpt-4o (api.openai.com)');
    expect(await describe({ baseUrl: 'http://me:secret@localhost:11434/v1', model: 'llama3.2' })).toBe(
      'llama3.2 (localhost:11434)',
    );
    expect((await testChain({ model: 'gpt-4o', apiKey: 'sk-secret' })).describe()).toBe('gpt-4o (api.openai.com)');
  });

  it('needs a name when there is a server', async () => {
    await expect(createModel({ apiKey: 'key' })).rejects.toMatchObject({ code: 'config_invalid' });
  });

  it('can be behind a proxy that asks for a user name and a password in the URL', async () => {
    const url = server.url.replace('http://', 'http://m%C3%A9:p%40ss@');
    expect(await ask(await testChain({ baseUrl: url }), input('Hi'))).toMatchObject({ text: 'echo: Hi' });
    const [call] = server.journal();
    expect(call?.headers.authorization).toBe(`Basic ${Buffer.from('mé:p@ss').toString('base64')}`);
  });

  it('gets its system message in the role that the newer OpenAI models want', async () => {
    await ask(await testChain({ baseUrl: server.url, model: 'gpt-5.4-mini' }), input('Hi'));
    expect(server.journal()[0]?.messages[0]).toEqual({ role: 'developer', content: 'Be brief.' });
  });

  it('bounds the window by what a known model takes, and carefully for an unknown one', async () => {
    expect((await createModel({ apiKey: 'key', model: 'gpt-4' })).contextTokens).toBe(6_144);
    expect((await createModel({ apiKey: 'key', model: 'gpt-4o' })).contextTokens).toBe(96_000);
    expect((await createModel({ apiKey: 'key', model: 'gpt-of-next-year' })).contextTokens).toBe(96_000);
    expect((await createModel({ baseUrl: server.url, model: 'some-local-model' })).contextTokens).toBe(6_000);
  });
});
