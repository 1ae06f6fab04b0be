import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { estimateTokens, IMAGE_TOKENS } from '../../src/core/tokens.ts';

/** Text, and its real tokens with o200k_base and with cl100k_base, counted with js-tiktoken 1.0.21. */
type Sample = readonly [name: string, text: string, o200k: number, cl100k: number];

const LATIN_AND_CODE: readonly Sample[] = [
  [
    'English prose',
    'The quick brown fox jumps over the lazy dog. I would like to know whether the meeting on Thursday has been moved, because nobody told me anything about it and the room is taken.',
    37,
    37,
  ],
  ['English chat', "hey, can u help me w/ this?? it's not working lol :( idk what to do", 20, 21],
  [
    'German',
    'Heute ist das Wetter sehr schön, deshalb möchte ich am Nachmittag mit Freunden im Park spazieren gehen. Geschwindigkeitsbegrenzung!',
    27,
    36,
  ],
  [
    'French',
    "Aujourd'hui il fait très beau, c'est pourquoi nous irons nous promener dans le parc cet après-midi. Je m'appelle Élodie.",
    29,
    34,
  ],
  [
    'TypeScript',
    "export async function main(argv: string[]): Promise<number> {\n  for (const [k, v] of Object.entries(argv)) {\n    if (!v.startsWith('--')) continue;\n    out[k] = v.slice(2) ?? null;\n  }\n  return 0;\n}",
    58,
    57,
  ],
  [
    'JSON',
    '{"id":"1234567890","items":[{"sku":"A-12","qty":3,"price":19.99},{"sku":"B-7","qty":1,"price":5.0}],"ok":true}',
    48,
    47,
  ],
  [
    'Markdown',
    '## Steps\n\n1. **Install** `node` >= 20\n2. Run `npm ci && npm test`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n',
    42,
    42,
  ],
];

const EAST_ASIAN: readonly Sample[] = [
  [
    'Chinese',
    '今天天气很好,我们下午一起去公园散步吧。我叫张三,在北京工作,平时喜欢看书和爬山。请帮我总结一下这篇文章的主要内容。',
    45,
    65,
  ],
  [
    'Japanese',
    '今日はとても天気がいいので、午後は一緒に公園を散歩しましょう。私の名前は田中です。よろしくお願いします。',
    33,
    57,
  ],
  [
    'Korean',
    '오늘은 날씨가 정말 좋으니까 오후에 같이 공원을 산책합시다. 제 이름은 김민수입니다. 잘 부탁드립니다.',
    32,
    61,
  ],
];

const OTHERS: readonly Sample[] = [
  [
    'Russian',
    'Сегодня очень хорошая погода, поэтому давайте после обеда погуляем вместе в парке. Меня зовут Иван.',
    27,
    50,
  ],
  ['Arabic', 'الطقس جميل جدا اليوم، لذلك دعونا نتمشى معا في الحديقة بعد الظهر. اسمي محمد.', 25, 55],
  ['Hindi', 'आज मौसम बहुत अच्छा है, इसलिए चलो दोपहर में साथ में पार्क में टहलने चलते हैं। मेरा नाम राज है।', 28, 92],
  ['Thai', 'วันนี้อากาศดีมาก ดังนั้นบ่ายนี้เราไปเดินเล่นที่สวนสาธารณะด้วยกันเถอะ ฉันชื่อสมชาย', 31, 76],
  ['Greek', 'Σήμερα ο καιρός είναι πολύ καλός, ας πάμε λοιπόν μια βόλτα στο πάρκο το απόγευμα.', 29, 68],
  ['Hebrew', 'מזג האוויר יפה מאוד היום, אז בואו נטייל יחד בפארק אחר הצהריים. קוראים לי דוד.', 29, 76],
  [
    'Vietnamese',
    'Hôm nay thời tiết rất đẹp, vì vậy chiều nay chúng ta hãy cùng nhau đi dạo trong công viên nhé.',
    25,
    46,
  ],
  ['Georgian', 'დღეს ძალიან კარგი ამინდია, ამიტომ მოდით შუადღისას პარკში ვისეირნოთ.', 25, 124],
  ['emoji', '😀😂🎉👨‍👩‍👧‍👦❤️🔥🙏🏽🇨🇳', 24, 43],
];

const UNKNOWN_TO_TOKENIZERS: readonly Sample[] = [
  ['hex', '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', 43, 43],
  ['base64', 'dGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZyBhbmQgcnVucyBhd2F5', 52, 56],
  ['rare ideographs', '龘靐齉爩鱻麤龗灪吁饕餮魑魅魍魉', 30, 39],
];

/** Any UTF-16, lone surrogates too. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) }),
  fc.constantFrom(...[...LATIN_AND_CODE, ...EAST_ASIAN, ...OTHERS].map(([, sample]) => sample)),
);

describe('the estimate of tokens', () => {
  it.each([
    ...LATIN_AND_CODE.map((sample) => ({ sample, low: 0.85, high: 1.5 })),
    ...EAST_ASIAN.map((sample) => ({ sample, low: 0.75, high: 1.7 })),
    ...OTHERS.map((sample) => ({ sample, low: 0.45, high: 2.8 })),
    ...UNKNOWN_TO_TOKENIZERS.map((sample) => ({ sample, low: 0.45, high: 1 })),
  ])(
    'is within $low and $high times the real number for $sample.0',
    ({ sample: [, sample, o200k, cl100k], low, high }) => {
      const estimate = estimateTokens(sample);
      for (const real of [o200k, cl100k]) {
        expect(estimate / real).toBeGreaterThanOrEqual(low);
        expect(estimate / real).toBeLessThanOrEqual(high);
      }
    },
  );

  it('is a whole number, and 0 for the empty text only', () => {
    fc.assert(
      fc.property(text, (any) => {
        const estimate = estimateTokens(any);
        expect(Number.isInteger(estimate)).toBe(true);
        expect(estimate > 0).toBe(any !== '');
      }),
    );
  });

  it('never falls when text is added, and adds up to one token wherever a text is cut', () => {
    fc.assert(
      fc.property(text, text, (one, other) => {
        const whole = estimateTokens(one + other);
        const parts = estimateTokens(one) + estimateTokens(other);
        expect(whole).toBeGreaterThanOrEqual(Math.max(estimateTokens(one), estimateTokens(other)));
        expect(whole).toBeLessThanOrEqual(parts);
        expect(whole).toBeGreaterThanOrEqual(parts - 1);
      }),
    );
  });

  it('counts an ideograph as more than four letters do', () => {
    expect(estimateTokens('记忆')).toBeGreaterThan(estimateTokens('memories'.slice(0, 4)));
    expect(estimateTokens('abcd'.repeat(300))).toBe(300);
    expect(estimateTokens('记'.repeat(300))).toBe(350);
  });
});

/** https://platform.openai.com/docs/guides/images-vision#calculating-costs */
it.each([
  ['tiles, 1024 x 1024', 765],
  ['tiles, 2048 x 4096', 1_105],
  ['patches, 1024 x 1024', 1_024],
  ['patches, the most', 1_536],
])('counts an image within a third of what OpenAI charges: %s', (_, charged) => {
  expect(IMAGE_TOKENS / charged).toBeGreaterThan(0.65);
  expect(IMAGE_TOKENS / charged).toBeLessThan(1.35);
});
