import type { Locale } from '../core/types.ts';

/**
 * The bot's language for a platform's or system's language tag (`zh-Hans-SG`, `zh_CN.UTF-8`, `de`). Chinese in simplified
 * script, also where only the region says so (zh-SG), is zh-CN; everything else, Traditional Chinese too, is English.
 */
export function localeOf(tag: string | undefined): Locale {
  const bare = tag
    ?.split(/[.@;,]/)[0]
    ?.trim()
    .replaceAll('_', '-');
  if (bare === undefined || bare === '') return 'en';
  try {
    const { language, script } = new Intl.Locale(bare).maximize();
    return language === 'zh' && script === 'Hans' ? 'zh-CN' : 'en';
  } catch {
    // Not a language tag ("C", "*"): Intl throws a RangeError.
    return 'en';
  }
}
