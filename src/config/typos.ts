import { editDistance } from '../commands/edit-distance.ts';

/** Whether one name has a word more than the other, not counting the first word: DISCORD_BOT_TOKEN for DISCORD_TOKEN. */
function differsByAWord(a: string, b: string): boolean {
  const [shorter = [], longer = []] = [a.split('_'), b.split('_')].sort((x, y) => x.length - y.length);
  if (shorter.length < 2 || longer.length !== shorter.length + 1 || shorter[0] !== longer[0]) return false;
  return longer.some((_, left) => left > 0 && longer.filter((_, at) => at !== left).join() === shorter.join());
}

/** Short names resemble too many others by chance (HOST, POST, PORT). */
function near(unknown: string, name: string): boolean {
  if (Math.abs(unknown.length - name.length) > 2) return false;
  const edits = editDistance(unknown, name);
  return edits === 0 || (unknown.length >= 8 && edits <= 2) || (unknown.length >= 6 && edits <= 1);
}

/**
 * The given names that look like a mistake for one of ours: misspelt, in lower case, or with a word too many or too few. A name
 * is left out if the setting it resembles is given as well: it then belongs to another program.
 */
export function findTypos(
  given: ReadonlySet<string>,
  ours: readonly string[],
): readonly { given: string; meant: string }[] {
  const missing = ours.filter((name) => !given.has(name));
  return [...given].flatMap((name) => {
    if (ours.includes(name)) return [];
    const upper = name.toUpperCase();
    const resembles = (right: string) => near(upper, right) || differsByAWord(upper, right);
    if (ours.some((right) => given.has(right) && resembles(right))) return [];
    const closest = missing
      .filter((ours) => near(upper, ours))
      .sort((a, b) => editDistance(upper, a) - editDistance(upper, b))[0];
    const meant = closest ?? missing.find((ours) => differsByAWord(upper, ours));
    return meant === undefined ? [] : [{ given: name, meant }];
  });
}
