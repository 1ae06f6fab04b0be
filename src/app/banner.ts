/** The startup banner: the store, the model, the enabled platforms, and what to try. */
import type { PlatformDescriptor } from '../core/platform.ts';
import type { Texts } from '../i18n/messages.ts';

export interface BannerFacts {
  /** The line of the store driver. */
  readonly store: (startup: Texts['startup']) => string;
  /** Undefined: the built-in demo model. */
  readonly model: string | undefined;
  /** All platforms, enabled or not. */
  readonly platforms: readonly PlatformDescriptor[];
  /** Ids of the enabled platforms. */
  readonly enabled: readonly string[];
  /** Base URL of the HTTP API. */
  readonly url: string;
}

export function bannerOf(facts: BannerFacts, { startup }: Pick<Texts, 'startup'>): readonly string[] {
  const { store, model, platforms, enabled, url } = facts;
  const shown = platforms.filter(({ hidden }) => hidden !== true);
  const isEnabled = ({ id }: PlatformDescriptor) => enabled.includes(id);
  const disabled = shown.filter((each) => !isEnabled(each) && each.settings.length > 0);
  return [
    store(startup),
    model === undefined ? startup.demoModel : startup.model(model),
    startup.platforms(shown.filter(isEnabled).map(({ name }) => name)),
    ...disabled.map(({ name, settings }) => startup.platformOff(name, settings)),
    startup.next(url),
  ];
}
