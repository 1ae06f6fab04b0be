/**
 * Preloaded into both Discord bots. discord.js keeps to 50 requests a second by itself, which is Discord's limit for a bot
 * that asked for no more; with it, only that limit would be measured.
 */
import { DefaultRestOptions } from 'discord.js';

Object.assign(DefaultRestOptions, { globalRequestsPerSecond: Number.MAX_SAFE_INTEGER });
