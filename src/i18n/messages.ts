/** Everything the bot says by itself, in the person's language. Model answers are not its business. */

import type { Localised } from '../core/commands.ts';
import type { Phrases } from '../core/ports.ts';
import type { Locale } from '../core/types.ts';
import { english, type Texts } from './en.ts';
import { createFormats } from './formats.ts';
import { localeOf } from './locale.ts';
import { chinese } from './zh-cn.ts';

export type { Texts } from './en.ts';

/** The texts in one language; times are shown in `timeZone` (IANA name, default UTC). */
export function phrases(locale: Locale, timeZone?: string): Texts {
  const formats = createFormats(locale, timeZone);
  // A switch, not a table: a locale without texts does not compile.
  switch (locale) {
    case 'en':
      return english(formats);
    case 'zh-CN':
      return chinese(formats);
  }
}

/** The texts for whoever runs the bot, in the language that their system is set to. */
export function operatorTexts(): Texts {
  return phrases(localeOf(new Intl.DateTimeFormat().resolvedOptions().locale));
}

/** One text in all languages, for what is registered with a platform beforehand. */
export function localised(pick: (texts: Texts) => string): Localised {
  return { en: pick(phrases('en')), 'zh-CN': pick(phrases('zh-CN')) };
}

/** The few texts that core itself needs. */
export function createPhrases(): Phrases {
  return {
    failed: (code, locale) => phrases(locale).failed[code],
    forgotten: (locale) => phrases(locale).forgotten,
    rateLimited: (retryAfterMs, locale) => phrases(locale).rateLimited(retryAfterMs),
    inboxFull: (waiting, locale) => phrases(locale).inboxFull(waiting),
    tooLong: (maxLength, locale) => phrases(locale).tooLong(maxLength),
    empty: (locale) => phrases(locale).empty,
  };
}
