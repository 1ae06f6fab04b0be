/** What a message is searched by: the stems of its words, and of Chinese and other text without spaces its pairs of characters. */
import { stemmer } from 'stemmer';

/** One thing to look for in lower-case text. */
export interface Term {
  /** Where to look: text that every match begins with. */
  readonly probes: readonly string[];
  /** The stem that a whole word must have; undefined: the probe itself is the match, wherever it stands. */
  readonly stem: string | undefined;
  readonly weight: number;
}

/** Of a longer message, the beginning and the end are searched for, where questions stand. In UTF-16 units, each. */
const LONGEST_SEARCH = 1_000;
/** Each term costs one pass over the stored text. */
const MAX_TERMS = 32;
/** A message with fewer terms is a follow-up ("and in May?"): it is searched with the one before it. */
const TOO_FEW_TERMS = 2;
/** A single ideograph says little, but "猫叫什么" must find "我的猫是小花". */
const CHARACTER_WEIGHT = 0.35;

const WORDS = /[\p{L}\p{M}\p{N}]+/gu;
/** Scripts that are written without spaces, and Hangul, whose particles are. */
const SEGMENTS =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]+|[^\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]+/gu;
const UNSPACED = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]/u;

const STOP_WORDS = new Set(
  (
    'a about after again all also am an and any are aren as at be because been before being between both but by can could couldn ' +
    'd did didn do does doesn doing don during each few for from further had has hasn have haven having he her here hers herself him himself his ' +
    'how i if in into is isn it its itself just like ll m me more most my myself no nor not now of off on once only or other our ours out over ' +
    'own re s same she should so some such t tell than that the their theirs them themselves then there these they this those through to ' +
    'too until up us ve very was wasn we were what when where which while who whom whose why will with won would you your yours yourself ' +
    'hello hey hi ok okay please thank thanks yes'
  ).split(' '),
);
/** Ideographs that only hold a sentence together; text is split at them. */
const STOP_CHARACTERS = /[的了吗呢吧啊呀嘛是我你您他她它们么什哪谁这那请]/u;

/** Forms that share no stem with what they are forms of. Questions have the base ("when did I buy"), stories the past ("I bought"). */
const IRREGULAR = new Map(
  (
    'ate:eat became:become began:begin begun:begin bought:buy broke:break broken:break brought:bring built:build came:come caught:catch children:child ' +
    'chose:choose chosen:choose drank:drink drew:draw drove:drive driven:drive fed:feed feet:foot fell:fall felt:feel flew:fly flown:fly forgot:forget ' +
    'forgotten:forget fought:fight found:find gave:give given:give gone:go got:get grew:grow grown:grow heard:hear held:hold kept:keep knew:know ' +
    'known:know led:lead left:leave lost:lose made:make meant:mean men:man met:meet mice:mouse paid:pay people:person ran:run rode:ride said:say ' +
    'sang:sing sat:sit saw:see seen:see sent:send slept:sleep sold:sell spent:spend spoke:speak spoken:speak stood:stand swam:swim taken:take ' +
    'taught:teach thought:think threw:throw told:tell took:take went:go woke:wake women:woman won:win wore:wear worn:wear written:write wrote:write'
  )
    .split(' ')
    .map((pair): readonly [string, string] => {
      const [form = '', base = ''] = pair.split(':');
      return [form, base];
    }),
);

/** The irregular forms of a stem. */
const FORMS: ReadonlyMap<string, readonly string[]> = new Map(
  [...new Set(IRREGULAR.values())].map((base) => [
    stemmer(base),
    [...IRREGULAR].filter(([, other]) => stemmer(other) === stemmer(base)).map(([form]) => form),
  ]),
);

/** The stem of a word in lower case (Porter's algorithm; words of other languages mostly stay as they are). */
export function stemOf(word: string): string {
  return stemmer(IRREGULAR.get(word) ?? word);
}

/**
 * What to search for. A message that is too short to search with is searched with `before`, the one before it; one of nothing but
 * courtesies is not searched with.
 */
export function termsOf(message: string, before = ''): readonly Term[] {
  const own = termsIn(message);
  if (own.size >= TOO_FEW_TERMS || wordsIn(message).every((word) => isCourtesy(word))) return [...own.values()];
  return [...new Map([...own, ...termsIn(before)]).values()].slice(0, MAX_TERMS);
}

function termsIn(text: string): ReadonlyMap<string, Term> {
  const terms = new Map<string, Term>();
  for (const part of searchedParts(text)) {
    let left = Math.ceil((MAX_TERMS - terms.size) / (terms.size === 0 && text.length > 2 * LONGEST_SEARCH ? 2 : 1));
    for (const [name, term] of wordsIn(part).flatMap(termsOfWord)) {
      if (terms.has(name)) continue;
      if (left === 0) break;
      left -= 1;
      terms.set(name, term);
    }
  }
  return terms;
}

function searchedParts(text: string): readonly string[] {
  if (text.length <= 2 * LONGEST_SEARCH) return [text];
  return [text.slice(0, LONGEST_SEARCH), text.slice(-LONGEST_SEARCH)];
}

/** Words in lower case, and runs of characters of scripts without spaces. */
function wordsIn(text: string): readonly string[] {
  const searched = searchedParts(text).join('\n').toLowerCase();
  return (searched.match(WORDS) ?? []).flatMap((word) => word.match(SEGMENTS) ?? []);
}

function termsOfWord(word: string): readonly (readonly [string, Term])[] {
  if (UNSPACED.test(word)) return word.split(STOP_CHARACTERS).flatMap(termsOfRun);
  if (STOP_WORDS.has(word) || (word.length === 1 && !/\d/.test(word))) return [];
  const stem = stemOf(word);
  return [[stem, { probes: [probeOf(stem), ...(FORMS.get(stem) ?? [])], stem, weight: 1 }]];
}

function termsOfRun(run: string): readonly (readonly [string, Term])[] {
  const characters = [...run];
  const only = characters.length === 1;
  const pairs = characters.slice(1).map((character, index) => `${characters[index]}${character}`);
  return [
    ...pairs.map((pair) => [pair, plain(pair, 1)] as const),
    ...characters.map((character) => [character, plain(character, only ? 1 : CHARACTER_WEIGHT)] as const),
  ];
}

function plain(text: string, weight: number): Term {
  return { probes: [text], stem: undefined, weight };
}

/** What all words of a stem begin with: Porter's rules end stems in `i` or `e` where words have `y`, `ing` or nothing. */
function probeOf(stem: string): string {
  return stem.length > 2 && /[ei]$/.test(stem) ? stem.slice(0, -1) : stem;
}

const COURTESIES = new Set(['hello', 'hey', 'hi', 'ok', 'okay', 'please', 'thank', 'thanks', 'yes', 'no', 'you']);

function isCourtesy(word: string): boolean {
  return COURTESIES.has(word) || /^(?:你好|您好|谢谢你?|好的?|嗯+|是的?|不)$/u.test(word);
}
