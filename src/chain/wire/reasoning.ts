/** Removes reasoning from answers: `<think>…</think>` and similar tags. */

/** Tags in use: DeepSeek, Qwen, QwQ (think), Claude-like fine-tunes (thinking), Granite, Reka (reasoning), Gemma (thought). */
const TAG = /^<(\/?)(?:think|thinking|reasoning|thought)\s{0,2}>$/i;
/** An incomplete tag. */
const PART_OF_TAG =
  /^<\/?(?:t(?:h(?:i(?:n(?:k(?:i(?:n(?:g)?)?)?)?)?|o(?:u(?:g(?:h(?:t)?)?)?)?)?)?|r(?:e(?:a(?:s(?:o(?:n(?:i(?:n(?:g)?)?)?)?)?)?)?)?)?\s{0,2}$/i;
/** A tag used as a word within a sentence. The blank before it is checked separately. */
const AS_WORD = /^<[^>]*>(?:$|[ .,;:!?)"'\u2019\u201D])/;
const TOKEN = /[^`~<\n]+|`+|~+|\n|<[^<>`~\n]{0,14}>?/gy;
/**
 * Typical beginnings of reasoning (DeepSeek-R1, QwQ, Qwen, gpt-oss), in English and Chinese, in lower case. An answer may begin
 * like this as well.
 */
const BEGINNINGS = [
  ...[
    'okay',
    'ok,',
    'ok ',
    'alright',
    'all right',
    'hmm',
    'so,',
    'so the user',
    'the user',
    'user ',
    'let me',
    "let's",
  ],
  ...['first,', 'i need to', 'i should', 'we need', 'we should', 'we have', 'wait', 'thinking', "here's a thinking"],
  ...['嗯', '好的', '好，', '用户', '首先', '我需要', '我们需要', '让我'],
];
/** A longer run of backticks or tildes is text. */
const LONGEST_RUN = 64;

export interface Filtered {
  /** Text that may be shown. */
  readonly text: string;
  /** The text returned so far was reasoning: a closing tag came without an opening one. */
  readonly restart: boolean;
}

export interface ReasoningFilter {
  /** Processes the next piece. The text may be cut anywhere. */
  push(piece: string): Filtered;
  /** Returns the rest. `cutOff`: the answer is incomplete, so text that was held back is still reasoning. */
  end(cutOff: boolean): string;
  /** Whether a closing tag came without an opening one. */
  opensInside(): boolean;
  /** Whether anything was removed. */
  reasoned(): boolean;
}

/**
 * Tags count outside of code blocks and inline code (which ends at the end of its line). Unclosed reasoning extends to the end of
 * the answer, unless its tag is a word within a sentence: such an answer is about the tag. Blank lines around reasoning are removed
 * as well. The cost is linear in the length of the answer.
 * @param start `reasoning`: the answer may begin within reasoning, because the prompt ends with the opening tag, so nothing is
 * returned before the closing tag or the end. `unknown`: likewise if its first words are typical of reasoning
 */
export function createReasoningFilter(start: 'answer' | 'reasoning' | 'unknown'): ReasoningFilter {
  let pending = '';
  let inside = false;
  let holding = start !== 'answer';
  let undecided = start === 'unknown';
  let kept: string[] = [];
  let fence = '';
  let ticks = 0;
  /** Only blanks so far on this line, and in the answer since its beginning or the last reasoning. */
  let lineStart = true;
  let blank = true;
  let afterBlank = false;
  /** The text of reasoning that begins within a line, until it is closed. */
  let unclosed: string[] = [];
  let stray = false;
  let taken = false;
  let out: string[] = [];
  let restart = false;

  function give(text: string): void {
    let shown = text;
    if (blank) {
      shown = text.trimStart();
      if (shown === '') return;
      blank = false;
    }
    (holding ? kept : out).push(shown);
    if (undecided) decide(kept.join('').toLowerCase());
  }

  function decide(said: string): void {
    if (BEGINNINGS.some((words) => words.length > said.length && words.startsWith(said))) return;
    undecided = false;
    if (!holding || BEGINNINGS.some((words) => said.startsWith(words))) return;
    holding = false;
    out.push(...kept);
    kept = [];
  }

  function tag(closing: boolean, token: string): void {
    taken = true;
    undecided = false;
    if (inside && !closing) {
      if (unclosed.length > 0) unclosed.push(token);
      return;
    }
    unclosed = closing || blank || lineStart || !afterBlank ? [] : [token];
    if (!closing) {
      inside = true;
      // An opening tag marks where the reasoning begins.
      if (holding) out.push(...kept);
      holding = false;
      kept = [];
      return;
    }
    if (!inside) {
      stray = true;
      restart ||= !holding;
      kept = [];
      out = [];
      blank = true;
    }
    inside = false;
    holding = false;
    lineStart = true;
  }

  function take(token: string): void {
    const match = TAG.exec(token);
    if (match !== null && (inside || (fence === '' && ticks === 0))) {
      tag(match[1] === '/', token);
      return;
    }
    if (inside) {
      if (unclosed.length > 0) unclosed.push(token);
      return;
    }
    afterBlank = /\s$/.test(token);
    if (token === '\n') {
      ticks = 0;
      lineStart = true;
    } else if ((token[0] === '`' || token[0] === '~') && lineStart && token.length >= 3) {
      if (fence === '') fence = token;
      else if (token[0] === fence[0] && token.length >= fence.length) fence = '';
      lineStart = false;
    } else {
      if (token[0] === '`' && fence === '') ticks = ticks === 0 ? token.length : ticks === token.length ? 0 : ticks;
      if (token.trim() !== '') lineStart = false;
    }
    give(token);
  }

  function consume(text: string, last: boolean): void {
    TOKEN.lastIndex = 0;
    let from = 0;
    for (let match = TOKEN.exec(text); match !== null; match = TOKEN.exec(text)) {
      const [token] = match;
      const open = !last && TOKEN.lastIndex === text.length && mayContinue(token);
      if (open) break;
      take(token);
      from = TOKEN.lastIndex;
    }
    pending = text.slice(from);
  }

  return {
    push(piece) {
      out = [];
      restart = false;
      consume(pending + piece, false);
      return { text: out.join(''), restart };
    },
    end(cutOff) {
      out = [];
      consume(pending, true);
      const spokenOf = unclosed.join('');
      if (inside && !cutOff && AS_WORD.test(spokenOf)) out.push(spokenOf);
      // If the model is only suspected to reason, an incomplete answer is more likely than reasoning alone.
      if (holding && (!cutOff || start === 'unknown')) return [...kept, ...out].join('');
      if (holding) taken ||= kept.length > 0;
      return out.join('');
    },
    opensInside: () => stray,
    reasoned: () => taken,
  };
}

/** Whether a token at the end of a piece may continue in the next one. */
function mayContinue(token: string): boolean {
  if (token[0] === '`' || token[0] === '~') return token.length < LONGEST_RUN;
  return token[0] === '<' && PART_OF_TAG.test(token);
}
