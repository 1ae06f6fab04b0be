/**
 * Takes the power out of what a model says: nothing in it may call people or channels. An invisible character behind the
 * bracket breaks Slack's token; what is read stays the same, also in code. Growing texts stay beginnings of each other.
 */

/** U+200B, zero width space. */
const BREAK = '\u200B';

/** What Slack would act on behind a `<`: broadcasts (`group` is an old one), user groups, people and channels. Dates call nobody. */
const CALL = /<(?=!(?:channel|here|everyone|group|subteam\^)|@[UWBS][A-Z0-9]|#[CDG][A-Z0-9])/gi;

/** A beginning of such a token that the next piece of text could complete. */
const OPEN_END = /<(?:!(?:[a-z]{0,8}|subteam)|@[UWBS]?|#[CDG]?)?$/i;

/** The text in which nobody is called. */
export function escapeMentions(text: string): string {
  return text.replace(CALL, `<${BREAK}`);
}

/** The beginning of a text that still grows which no further text can turn into a call. */
export function settledPart(text: string): string {
  return text.replace(OPEN_END, '');
}

/** Undoes {@link escapeMentions}, for what goes back into memory. */
export function denature(text: string): string {
  return text.replaceAll(`<${BREAK}`, '<');
}
