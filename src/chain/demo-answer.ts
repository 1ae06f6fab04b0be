/** The demo model's answer: a pure function of the messages. */
import { readSpoken } from './prompt.ts';

/** A message of the prompt. */
export interface DemoMessage {
  /** LangChain's name: `system`, `human`, `ai`. */
  readonly role: string;
  readonly text: string;
  /** How many images follow the text. */
  readonly images: number;
}

/**
 * The demo model's answer to the last message. It introduces itself, repeats the latest name that the speaker gave in these
 * messages, in recalled ones or in a fact, and says which files of the last message and how much of everything else it was shown.
 */
export function demoAnswer(messages: readonly DemoMessage[]): string {
  const shown = messages.filter(({ role }) => role !== 'system');
  const said = shown.filter(({ role }) => role === 'human').map(({ text }) => readSpoken(text));
  const { speaker, text, files, recalled, ...named } = said.at(-1) ?? readSpoken('');
  const images = named.images.slice(0, shown.at(-1)?.images);
  const language = text.trim() === '' ? files.map((file) => file.text).join('\n') : text;
  const texts = /\p{Script=Han}/u.test(language) ? CHINESE : ENGLISH;
  const toldNow = givenName(text);
  const facts = said.flatMap((message) => message.facts);
  const own = said.filter((earlier) => earlier.speaker === speaker).map((earlier) => earlier.text);
  const told = [...facts, ...recalled.said, ...own].map(givenName);
  const reply =
    text.trim() === ''
      ? ''
      : asksForName(text)
        ? texts.yourName(told.findLast((name) => name !== undefined))
        : toldNow === undefined
          ? texts.echo(shorten(text))
          : texts.hello(toldNow);
  const replies = [
    ...(reply === '' ? [] : [reply]),
    ...(images.length > 0 ? [texts.images(images)] : []),
    ...files.map((file) => texts.file(file.name, shorten(file.text, FILE_SHOWN))),
  ];
  const parts = [
    texts.shown(Math.max(0, shown.length - 1)),
    ...(recalled.messages > 0 ? [texts.recalled(recalled.messages)] : []),
    ...(facts.length > 0 ? [texts.facts(facts.length)] : []),
  ];
  return `${[replies, parts]
    .map((each) => each.join(texts.between))
    .join(' ')
    .trim()}\n\n${texts.hint}`;
}

interface Texts {
  yourName(name: string | undefined): string;
  hello(name: string): string;
  echo(text: string): string;
  /** Names are clean, and in code so that nothing in them is markup. */
  images(names: readonly string[]): string;
  file(name: string, text: string): string;
  shown(earlier: number): string;
  recalled(messages: number): string;
  facts(count: number): string;
  /** Between two sentences. */
  readonly between: string;
  readonly hint: string;
}

const ENGLISH: Texts = {
  yourName: (name) => (name === undefined ? 'You have not told me your name yet.' : `Your name is ${name}.`),
  hello: (name) => `Nice to meet you, ${name}! Ask me "What is my name?" and you will see that I remember.`,
  echo: (text) => `You said: "${text}".`,
  images: (names) =>
    names.length === 1 ? `I see an image: ${inCode(names)}.` : `I see ${names.length} images: ${inCode(names)}.`,
  file: (name, text) => `${inCode([name])} begins with: "${text}".`,
  shown: (earlier) =>
    earlier === 0
      ? 'I was shown 1 message: this one.'
      : `I was shown ${earlier + 1} messages: ${earlier} earlier and this one.`,
  recalled: (messages) =>
    messages === 1 ? 'I also recalled 1 older message.' : `I also recalled ${messages} older messages.`,
  facts: (count) => (count === 1 ? 'You told me to keep 1 fact.' : `You told me to keep ${count} facts.`),
  between: ' ',
  hint: 'I am the demo model. For real answers set OPENAI_API_KEY or OPENAI_BASE_URL.',
};

const CHINESE: Texts = {
  yourName: (name) => (name === undefined ? '你还没有告诉我你的名字。' : `你叫${name}。`),
  hello: (name) => `很高兴认识你，${name}！问我“我叫什么名字？”，就知道我记得。`,
  echo: (text) => `你说：“${text}”。`,
  images: (names) => `我看到了 ${names.length} 张图片：${inCode(names, '、')}。`,
  file: (name, text) => `${inCode([name])} 的开头是：“${text}”。`,
  shown: (earlier) =>
    earlier === 0
      ? '我看到了 1 条消息：就是这一条。'
      : `我看到了 ${earlier + 1} 条消息：之前的 ${earlier} 条和这一条。`,
  recalled: (messages) => `我还想起了更早的 ${messages} 条消息。`,
  facts: (count) => `你让我记住了 ${count} 件事。`,
  between: '',
  hint: '我是演示模型。要得到真正的回答，请设置 OPENAI_API_KEY 或 OPENAI_BASE_URL。',
};

const ASKS = [
  /\bwhat(?:['’]s| is| was)? my name\b/i,
  /\bwhat my name is\b/i,
  /\bmy name\s*\?/i,
  /\b(?:know|remember|tell me|say) my name\b/i,
  /\bwho am i\b/i,
  /我叫(?:什么|啥)/u,
  /我的名字(?:是|叫)?(?:什么|啥)/u,
  /我是谁/u,
  /(?:记得|知道)我的名字/u,
];

function asksForName(text: string): boolean {
  return ASKS.some((pattern) => pattern.test(text));
}

const TELLS_EN = /\b(?:my name is|my name['’]s|call me) /gi;
const TELLS_ZH = /我叫|我的名字是|我的名字叫/gu;
const WORD = /^\p{L}[\p{L}\p{M}'’-]*\.?/u;
const PARTICLES = [
  'van',
  'von',
  'der',
  'den',
  'de',
  'del',
  'della',
  'da',
  'di',
  'du',
  'la',
  'le',
  'bin',
  'ibn',
  'al',
  'el',
];
/** Ideographs without a break, or a name in letters. */
const NAME_ZH = /^(?:\p{Script=Han}[\p{Script=Han}·]{0,11}|\p{L}[\p{L}\p{M}'’ .-]{0,40})/u;
/** Longest name in UTF-16 units, and how much of a text is searched for one. */
const LONGEST_NAME = 100;
/** Words after "my name is" that are not a name. */
const NO_NAME =
  /^(?:not|no|what|who|which|a|an|the|in|on|so|very|really|unknown|secret|important)\b|^(?:什么|啥|谁|不)/iu;
/** Where a Chinese sentence continues after the name without a comma. */
const GOES_ON_ZH = /(?:你|您|我|他|她|吗|呢|啊|呀|吧|哦|今年|请|很高兴|是一|来自).*/u;

/** The last name that the speaker gives for themselves in the text. */
function givenName(text: string): string | undefined {
  const own = text.replace(/^>.*$/gm, ''); // quoted lines are not the speaker's
  const told = (tells: RegExp, read: (rest: string) => string) =>
    [...own.matchAll(tells)].map(({ index, 0: { length } }) => ({
      index,
      name: read(own.slice(index + length, index + length + LONGEST_NAME)),
    }));
  return [...told(TELLS_EN, englishName), ...told(TELLS_ZH, (rest) => NAME_ZH.exec(rest.trimStart())?.[0] ?? '')]
    .sort((one, other) => one.index - other.index)
    .map(({ name }) => (NO_NAME.test(name) ? '' : tidy(name)))
    .findLast((name) => name !== '');
}

/** A word and the capitalised words after it, each with at most two particles before it. */
function englishName(rest: string): string {
  const name: string[] = [];
  let particles: string[] = [];
  for (const word of rest.split(/\s/)) {
    if (name.length > 0 && particles.length < 2 && PARTICLES.includes(word)) {
      particles.push(word);
      continue;
    }
    const [read] = WORD.exec(word) ?? [];
    if (read === undefined || (name.length > 0 && !/^\p{Lu}/u.test(read))) break;
    name.push(...particles, read);
    particles = [];
    if (read !== word) break;
  }
  return name.join(' ');
}

function tidy(name: string): string {
  const plain = /\p{Script=Han}/u.test(name) ? name.replace(GOES_ON_ZH, '') : name;
  let end = plain.length;
  while (end > 0 && /[.'’\s-]/u.test(plain[end - 1] ?? '')) end -= 1;
  return plain.slice(0, end);
}

function inCode(names: readonly string[], between = ', '): string {
  return names.map((name) => `\`${name}\``).join(between);
}

/** Characters of a message and of a file that are repeated, at most. */
const TEXT_SHOWN = 160;
const FILE_SHOWN = 80;

function shorten(text: string, most = TEXT_SHOWN): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= most ? line : `${[...line.slice(0, 2 * most)].slice(0, most - 1).join('')}…`;
}
