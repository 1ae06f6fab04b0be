/** What this browser keeps for the page: in `localStorage`, or in `sessionStorage` what belongs to one tab. */

const PREFIX = 'recollect.';

/** What is stored under a name; `fallback` where there is nothing, or something that this version cannot read. */
export function load<T>(name: string, isValid: (value: unknown) => value is T, fallback: T, from = localStorage): T {
  try {
    const value: unknown = JSON.parse(from.getItem(PREFIX + name) ?? 'null');
    return isValid(value) ? value : fallback;
  } catch {
    // Not JSON, or storage is switched off.
    return fallback;
  }
}

export function save(name: string, value: unknown, to = localStorage): void {
  try {
    to.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // Full or switched off: the page works, and forgets this at a reload.
  }
}

export function isText(value: unknown): value is string {
  return typeof value === 'string';
}

export function isListOf<T>(isItem: (item: unknown) => item is T): (value: unknown) => value is T[] {
  return (value): value is T[] => Array.isArray(value) && value.every(isItem);
}

/** Whether it is an object in which these fields are texts. */
export function hasTexts<Name extends string>(
  value: unknown,
  ...names: readonly Name[]
): value is Record<Name, string> {
  return typeof value === 'object' && value !== null && names.every((name) => isText(Reflect.get(value, name)));
}
