/**
 * Long conversations with questions about them, made by a seed: what was said once, what was corrected later, what two people see
 * differently, and what was deleted, in English and Chinese.
 */
import { seededRandom } from '../support/recording-faults.ts';

/** `changed`: corrected later, the correction is the evidence. `disputed`: said in two ways. `deleted`: its message is deleted. */
export type QuestionKind = 'plain' | 'changed' | 'disputed' | 'deleted';

export interface SetQuestion {
  readonly kind: QuestionKind;
  readonly text: string;
  /** Messages of the person that answer it. */
  readonly evidence: readonly string[];
  /** Words that stand nowhere but in deleted messages. */
  readonly secrets: readonly string[];
}

export interface SetConversation {
  readonly language: Language;
  /** What the person said, oldest first; `deleted` ones are to be deleted after all was said. */
  readonly said: readonly { readonly text: string; readonly deleted: boolean }[];
  readonly questions: readonly SetQuestion[];
}

type Language = 'English' | 'Chinese';

interface Words {
  readonly topics: readonly (readonly [tell: string, ask: string])[];
  readonly correction: (told: string) => string;
  readonly dispute: (told: string) => string;
  readonly smallTalk: readonly string[];
  readonly syllables: readonly string[];
}

const ENGLISH: Words = {
  topics: [
    ['We adopted a dog last spring and called him {v}.', 'What did we call our dog?'],
    ['My sister is called {v} and flies planes.', "What is my sister's name?"],
    ['My flight goes to {v} on Friday.', 'Where does my flight go?'],
    ['The doctor told me to avoid {v} because of the rash.', 'What did the doctor tell me to avoid?'],
    ['Our landlord is a certain Mr. {v}.', 'Who is the landlord?'],
    ['The wifi password at the cottage is {v}.', "What's the cottage's wifi password?"],
    ['The car I drive is a {v}.', 'Which car do I drive?'],
    ['The novel I am reading is by {v}.', 'Who wrote the novel that I read?'],
    ['My dentist is now Dr. {v}.', "What is my dentist's name?"],
    ['The budget meeting moved to the room {v}.', 'In which room is the budget meeting?'],
    ['Our son goes to the {v} school.', 'Which school does our son go to?'],
    ['I take my coffee with {v}.', 'How do I take my coffee?'],
    ['My bike is locked behind the {v}.', 'Where did I lock my bike?'],
    ['The wedding will be held in {v}.', 'Where is the wedding?'],
    ['My new boss is called {v}.', 'Who is my new boss?'],
    ['I have been learning {v} for two years.', 'What have I been learning?'],
    ["Grandma's soup needs a spoon of {v}.", "What belongs in grandma's soup?"],
    ['My favourite team is {v}.', 'Which team is my favourite?'],
    ['Dad had his operation in the {v} hospital.', "In which hospital was dad's operation?"],
    ['The plant on the balcony is a {v}.', 'Which plant is on our balcony?'],
    ['I bought the piano from {v}.', 'Who did I buy the piano from?'],
    ['The spare key is with {v}.', 'Who has the spare key?'],
  ],
  correction: (told) => `That has changed. ${told}`,
  dispute: (told) => `My brother says something else: ${told}`,
  smallTalk: [
    ...[
      'The dog next door barked all night',
      'Traffic was terrible',
      'I had soup for lunch',
      'The coffee machine is broken',
    ],
    ...['It rained all day', 'We talked about the budget for hours', 'My back hurts', 'The train was late once more'],
    ...['I watched a film about a wedding', 'The holidays are too short', 'Somebody lost a key in the stairwell'],
    ...[
      'A plant in the office died',
      'The neighbours have a new car',
      'I read the news',
      'My phone needs a new battery',
    ],
    ...['The bike shop is closed', 'A friend of mine plays the piano', 'The doctor on television was funny'],
  ],
  syllables: ['ba', 'lo', 'ri', 'ten', 'va', 'mu', 'sho', 'kel', 'dra', 'fi', 'gor', 'nu'],
};

const CHINESE: Words = {
  topics: [
    ['我家的猫叫{v}，是橘色的。', '我的猫叫什么名字？'],
    ['我妹妹在{v}上大学。', '妹妹在哪里上大学？'],
    ['周末去{v}的火车票买好了。', '火车票是去哪里的？'],
    ['医生让我别吃{v}，会过敏。', '我对什么过敏？'],
    ['房东姓{v}，人很好。', '房东姓什么？'],
    ['公司的无线密码是{v}。', '无线密码是多少？'],
    ['我最近读的小说是{v}写的。', '我读的小说是谁写的？'],
    ['我的牙医是{v}大夫。', '牙医是哪位大夫？'],
    ['预算会议改到{v}会议室了。', '预算会议在哪个会议室？'],
    ['儿子在{v}小学读三年级。', '儿子读哪所小学？'],
    ['我喝咖啡喜欢加{v}。', '我喝咖啡加什么？'],
    ['自行车锁在{v}后面。', '我的自行车锁在哪里？'],
    ['婚礼定在{v}举行。', '婚礼在哪里举行？'],
    ['新来的老板叫{v}。', '新老板叫什么？'],
    ['奶奶的汤里要放一勺{v}。', '奶奶的汤放什么？'],
    ['爸爸在{v}医院做的手术。', '爸爸在哪家医院做手术？'],
    ['阳台上种的是{v}。', '阳台上种了什么？'],
    ['钢琴是从{v}那里买的。', '钢琴是从谁那里买的？'],
    ['备用钥匙在{v}手里。', '备用钥匙在谁手里？'],
    ['我最喜欢的球队是{v}。', '我喜欢哪个球队？'],
    ['跑步鞋是{v}牌的。', '跑步鞋是什么牌的？'],
    ['客厅要刷成{v}色。', '客厅刷什么颜色？'],
  ],
  correction: (told) => `更正一下：${told}`,
  dispute: (told) => `可是我哥哥说：${told}`,
  smallTalk: [
    ...['邻居家的狗叫了一晚上', '今天堵车很厉害', '中午喝了汤', '咖啡机又坏了', '雨下了一整天', '我们讨论了很久的预算'],
    ...['腰有点疼', '火车又晚点了', '看了一部关于婚礼的电影', '假期太短了', '楼道里有人丢了钥匙', '办公室的花枯了'],
    ...['邻居买了新车', '看了新闻', '手机要换电池', '自行车店关门了', '朋友在弹钢琴', '电视上的医生很有趣'],
  ],
  syllables: ['澜', '翊', '珩', '钰', '霁', '溟', '焱', '峤', '岚', '暄', '璟', '淼'],
};

/** Turns of small talk between the things that are told. */
const SMALL_TALK = 240;
const KINDS: Readonly<Record<QuestionKind, number>> = { plain: 9, changed: 3, disputed: 2, deleted: 3 };

/** Two languages, 10 conversations each, 17 questions about each. */
export function makeRecallSet(seed: number): readonly SetConversation[] {
  const random = seededRandom(seed);
  const languages: readonly (readonly [Language, Words])[] = [
    ['English', ENGLISH],
    ['Chinese', CHINESE],
  ];
  return languages.flatMap(([language, words]) =>
    Array.from({ length: 10 }, () => makeConversation(language, words, random)),
  );
}

function makeConversation(language: Language, words: Words, random: () => number): SetConversation {
  const value = valuesOf(words.syllables, random);
  const topics = shuffled(words.topics, random);
  const told: { at: number; text: string; deleted: boolean }[] = [];
  const say = (text: string, from: number, to: number, deleted = false) => {
    told.push({ at: from + random() * (to - from), text, deleted });
    return text;
  };
  const questions = Object.entries(KINDS)
    .flatMap(([kind, count]) => Array.from({ length: count }, () => kind))
    .map((kind, index): SetQuestion => {
      const [tell = '', text = ''] = topics[index] ?? [];
      const [first, second] = [value(), value()];
      const one = tell.replace('{v}', first);
      const other = tell.replace('{v}', second);
      const question = { text, secrets: [] };
      switch (kind) {
        case 'changed':
          say(one, 0, 0.4);
          return { ...question, kind, evidence: [say(words.correction(other), 0.5, 0.8)] };
        case 'disputed':
          return { ...question, kind, evidence: [say(one, 0, 0.4), say(words.dispute(other), 0.4, 0.8)] };
        case 'deleted':
          say(one, 0, 0.8, true);
          return { ...question, kind, evidence: [], secrets: [first] };
        default:
          return { ...question, kind: 'plain', evidence: [say(one, 0, 0.8)] };
      }
    });
  const talk = Array.from({ length: SMALL_TALK }, (_, index) => ({
    at: index / SMALL_TALK,
    text: `${words.smallTalk[Math.floor(random() * words.smallTalk.length)]} (${index})`,
    deleted: false,
  }));
  return { language, said: [...told, ...talk].sort((a, b) => a.at - b.at), questions };
}

/** Made-up names, each only once. */
function valuesOf(syllables: readonly string[], random: () => number): () => string {
  const used = new Set<string>();
  return () => {
    for (;;) {
      const parts = Array.from({ length: 3 }, () => syllables[Math.floor(random() * syllables.length)] ?? '');
      const name = parts.join('');
      if (used.has(name)) continue;
      used.add(name);
      return name.replace(/^[a-z]/, (letter) => letter.toUpperCase());
    }
  };
}

function shuffled<T>(items: readonly T[], random: () => number): readonly T[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
