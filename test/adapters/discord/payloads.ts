/** Discord's payloads for tests of the pure parts, as Discord sends them. */
import type { APIMessage, APIUser, GatewayMessageCreateDispatchData } from 'discord-api-types/v10';
import { type MessagePayload, messagePayload } from '../../../src/adapters/discord/payloads.ts';
import { createWorld } from '../../support/fake-discord/world.ts';

export const BOT = '100000000000000001';
export const GUILD = '100000000000000002';
export const CHANNEL = '100000000000000003';
export const THREAD = '100000000000000004';

export function user(id: string, name: string, more: Partial<APIUser> = {}): APIUser {
  return { id, username: name.toLowerCase(), global_name: name, discriminator: '0', avatar: null, ...more };
}

export const ada = user('100000000000000011', 'Ada');
export const bob = user('100000000000000012', 'Bob');
export const bot = user(BOT, 'Recollect', { bot: true });

const { message: posted } = createWorld().post({
  channel: { id: CHANNEL, type: 0, guildId: GUILD, closed: false },
  author: ada,
  content: 'Hello',
});

/** A whole message of Discord's, as the fake makes it. */
export function message(more: Partial<APIMessage & GatewayMessageCreateDispatchData> = {}): APIMessage {
  return { ...posted, timestamp: '2026-08-01T12:00:00.000000+00:00', ...more };
}

/** The same, parsed as the adapter does. */
export function parsed(more: Partial<APIMessage & GatewayMessageCreateDispatchData> = {}): MessagePayload {
  return messagePayload.parse(message(more));
}
