/** The first lines in the terminal, for whoever starts the bot: where memories are, who answers, and where to go next. */
import type { Texts } from '../i18n/messages.ts';

export interface StartFacts {
  /** Absent: the embedded store in `dataDir`. */
  readonly redisUrl?: string;
  readonly dataDir: string;
  /** What answers; absent: the built-in demo. */
  readonly model: string | undefined;
  /** As in session ids, HTTP among them. */
  readonly platforms: readonly string[];
  /** Where HTTP is served. */
  readonly url: string;
}

/** How people write a platform, and the settings that switch it on. */
const PLATFORMS = [
  { platform: 'discord', name: 'Discord', settings: ['DISCORD_TOKEN'] },
  { platform: 'slack', name: 'Slack', settings: ['SLACK_BOT_TOKEN', 'SLACK_APP_TOKEN'] },
  { platform: 'http', name: 'HTTP', settings: [] },
] as const;

export function bannerOf(facts: StartFacts, { startup }: Pick<Texts, 'startup'>): readonly string[] {
  const { redisUrl, dataDir, model, platforms, url } = facts;
  const known = PLATFORMS.filter(({ platform }) => platforms.includes(platform));
  const off = PLATFORMS.filter(({ platform, settings }) => !platforms.includes(platform) && settings.length > 0);
  return [
    // The host alone: a password may stand before it.
    redisUrl === undefined ? startup.sqlite(dataDir) : startup.redis(new URL(redisUrl).host),
    model === undefined ? startup.demoModel : startup.model(model),
    startup.platforms(known.map(({ name }) => name)),
    ...off.map(({ name, settings }) => startup.platformOff(name, settings)),
    startup.next(url),
  ];
}
