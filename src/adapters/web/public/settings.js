/** Language and colours: the browser's until chosen, then kept in this browser. */
import { byId } from './dom.js';
import { TEXTS } from './texts.js';

const PREFIX = 'recollect.';

export function load(name, fallback, storage = localStorage) {
  try {
    return JSON.parse(storage.getItem(PREFIX + name) ?? 'null') ?? fallback;
  } catch {
    // Somebody else's, or switched off.
    return fallback;
  }
}

export function save(name, value, storage = localStorage) {
  try {
    storage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // Full or switched off: the page works, and forgets this at a reload.
  }
}

export function createSettings(onChange) {
  const locale = byId('locale');
  const theme = byId('theme');
  const preferred = navigator.languages.find((tag) => /^(en|zh)\b/i.test(tag)) ?? 'en';
  locale.value = load('locale', /^zh/i.test(preferred) ? 'zh-CN' : 'en');
  theme.value = load('theme', 'auto');
  if (locale.value === '') locale.value = 'en';
  if (theme.value === '') theme.value = 'auto';

  const apply = () => {
    document.documentElement.lang = locale.value;
    document.documentElement.dataset.theme = theme.value;
    const texts = TEXTS[locale.value];
    for (const element of document.querySelectorAll('[data-text]')) element.textContent = texts[element.dataset.text];
    for (const element of document.querySelectorAll('[data-label]')) {
      element.setAttribute('aria-label', texts[element.dataset.label]);
    }
  };
  for (const [name, select] of Object.entries({ locale, theme })) {
    select.addEventListener('change', () => {
      save(name, select.value);
      apply();
      onChange();
    });
  }
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', onChange);
  apply();
  return {
    get locale() {
      return locale.value;
    },
    get texts() {
      return TEXTS[locale.value];
    },
  };
}
