/**
 * Estimates the number of tokens of a text without a tokenizer.
 *
 * Why an estimate: the model can be on any OpenAI-compatible server, each model has its own tokenizer, and their tables take
 * megabytes and milliseconds per message. The number is only used to limit the window and for statistics.
 *
 * How: each UTF-16 unit has a weight by its script, and the sum is rounded up. Compared with o200k_base and cl100k_base (tiktoken;
 * samples in test/core/tokens.test.ts), the estimate is
 * - 0.85 to 1.5 times the real number for English, German and French prose, chat, code, JSON and Markdown;
 * - 0.75 to 1.7 times for Chinese, Japanese and Korean;
 * - 0.45 to 2.8 times for other scripts: mostly too high for o200k_base, too low for the older cl100k_base;
 * - too low by half for text unlike training data (base64, hex dumps, rare ideographs), too high for runs of spaces.
 * It prefers to be too high, which costs an old message, rather than too low, which costs a refused request.
 */

/** Weights are whole numbers of twelfths of a token, so that sums are exact. */
const TOKEN = 12;

/**
 * Estimated tokens of a text: a whole number, 0 for the empty text only. Appending never lowers it, and
 * `estimate(a) + estimate(b) - 1 <= estimate(a + b) <= estimate(a) + estimate(b)`, wherever the text is cut.
 */
export function estimateTokens(text: string): number {
  let weight = 0;
  for (let index = 0; index < text.length; index += 1) weight += weightOf(text.charCodeAt(index));
  return Math.ceil(weight / TOKEN);
}

/**
 * Estimated tokens of an image. Servers charge by its size after they have scaled it: OpenAI 765 for 1024 x 1024 and 1,105 for
 * 2048 x 4096 pixels with tiles, 1,024 and at most 1,536 with patches
 * (https://platform.openai.com/docs/guides/images-vision#calculating-costs).
 */
export const IMAGE_TOKENS = 1_000;

function weightOf(unit: number): number {
  if (unit < 0x80) {
    if (unit >= 0x61 && unit <= 0x7a) return 3; // a-z: four letters a token
    if (unit === 0x20) return 2; // mostly part of the next word's token
    if (unit >= 0x41 && unit <= 0x5a) return 5; // A-Z: shouting, acronyms and base64 are cut finer
    return unit < 0x20 ? 6 : 7; // line ends, digits, punctuation
  }
  if (unit < 0x590 || (unit >= 0x1e00 && unit < 0x2000)) return 7; // Latin with marks, Greek, Cyrillic, Armenian
  if (unit >= 0x4e00 && unit <= 0x9fff) return 14; // ideographs: one token, rare ones up to three
  return 12; // Hebrew to Georgian, kana, Hangul; each half of a surrogate pair, so two for an emoji
}
