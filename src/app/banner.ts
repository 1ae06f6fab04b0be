/** The first lines in the terminal: where memories are kept, which model answers, which platforms are on, and what to try. */
import type { PlatformDescriptor } from '../core/platform.ts';
import type { Texts } from '../i18n/messages.ts';

export interface BannerFacts {
  /** The store driver's own line. */
  readonly store: (startup: Texts['startup']) => string;
  /** Which model answers; undefined: the built-in demo. */
  readonly model: string | undefined;
  /** All platforms there are. */
  readonly platforms: readonly PlatformDescriptor[];
  /** Ids of those that are on. */
  readonly on: readonly string[];
  /** Where HTTP is served. */
  readonly url: string;
}

export function bannerOf(facts: BannerFacts, { startup }: Pick<Texts, 'startup'>): readonly string[] {
  const { store, model, platforms, on, url } = facts;
  const shown = platforms.filter(({ hidden }) => hidden !== true);
  const isOn = ({ id }: PlatformDescriptor) => on.includes(id);
  const off = shown.filter((each) => !isOn(each) && each.settings.length > 0);
  return [
    store(startup),
    model === undefined ? startup.demoModel : startup.model(model),
    startup.platforms(shown.filter(isOn).map(({ name }) => name)),
    ...off.map(({ name, settings }) => startup.platformOff(name, settings)),
    startup.next(url),
  ];
}
