/** All messages of the bot itself, in the person's language. The model's answers are not among them. */

import type { Localised } from '../core/commands.ts';
import type { CoreMessages } from '../core/ports.ts';
import type { Locale } from '../core/types.ts';
import { english, type Texts } from './en.ts';
import { createFormats } from './formats.ts';
import { localeOf } from './locale.ts';
import { chinese } from './zh-cn.ts';

export type { Texts } from './en.ts';

/** The texts in one language; times are shown in `timeZone` (IANA name, default UTC). */
export function messagesIn(locale: Locale, timeZone?: string): Texts {
  const formats = createFormats(locale, timeZone);
  // A switch, not a table: a locale without texts does not compile.
  switch (locale) {
    case 'en':
      return english(formats);
    case 'zh-CN':
      return chinese(formats);
  }
}

/** The messages for the administrator, in the language of their system. */
export function operatorTexts(): Texts {
  return messagesIn(localeOf(new Intl.DateTimeFormat().resolvedOptions().locale));
}

/** One text in all languages, for definitions that are registered with a platform. */
export function localised(pick: (texts: Texts) => string): Localised {
  return { en: pick(messagesIn('en')), 'zh-CN': pick(messagesIn('zh-CN')) };
}

/** The few messages that core itself needs. */
export function createCoreMessages(): CoreMessages {
  return {
    failed: (code, locale) => messagesIn(locale).failed[code],
    forgotten: (locale) => messagesIn(locale).forgotten,
    rateLimited: (retryAfterMs, locale) => messagesIn(locale).rateLimited(retryAfterMs),
    inboxFull: (waiting, locale) => messagesIn(locale).inboxFull(waiting),
    tooLong: (maxLength, locale) => messagesIn(locale).tooLong(maxLength),
    empty: (locale) => messagesIn(locale).empty,
  };
}
