/** Simplified Chinese texts of the memory commands. */
import type { Texts } from './en.ts';
import type { Formats } from './formats.ts';

export function chineseCommands(f: Formats): Texts['commands'] {
  const messages = (count: number) => `${f.number(count)} 条消息`;
  const conversations = (count: number) => `${f.number(count)} 个对话`;
  const tokens = (count: number) => `约 ${f.number(count)} token`;
  const windowEnds = { all: '全部', messages: '设置允许的上限', tokens: '再多上下文就放不下了' };
  const recalled = (of: number, most: number) =>
    most === 0
      ? `更早的 ${messages(of)}都不看：未启用回忆，或没有空间`
      : `更早的 ${messages(of)}中，与你下一条消息相关的：最多 ${f.number(most)} token`;
  const waiting = (count: number) => (count === 0 ? '' : `还在等待的 ${messages(count)}不会再得到回答。`);
  const chosenOrDefault = (chosen: boolean) => (chosen ? '自选' : '默认');

  return {
    about: {
      history: '显示我对这个对话的记忆',
      forget: '让我忘记',
      remember: '让我在这里记住关于你的一件事',
      facts: '查看和删除你让我在这里记住的事',
      ttl: '查看或更改这个对话的记忆时长',
      memstats: '显示有关记忆的数据',
      help: '我能做什么、怎么和我聊天、我会记住什么',
    },
    umbrella: '所有记忆命令的统一入口',
    options: {
      limit: '每页消息数',
      export: '以 JSON 和 Markdown 文件导出全部内容',
      scope: '要忘记什么',
      confirm: '确认操作',
      text: '要我记住的内容，最多 500 字',
      removeFact: '删除指定编号的一条，或全部',
      factId: '要删除的编号，或 all',
      value: '600、90s、10m、2h、7d 或 default',
    },
    scopes: {
      here: '这个对话',
      everywhere: '我在这里与你的所有对话',
      whole: '整个共享对话，对所有人生效',
    },

    nothingHere: '我不记得在这里与你有过对话。',
    notYours: '那个对话不属于你，我不能显示或更改它。',
    managersOnly: '在多人共享的对话里，只有管理员和有权管理消息的人能这样做。',
    pick: (count) => `你在这里与我有${conversations(count)}。你指的是哪一个？`,
    pickMore: (count) => `（另有 ${f.number(count)} 个更早的未列出。）`,
    pickEntry: (messageCount, lastAt, begin) =>
      lastAt === 0 ? '一条等待回答的消息' : `${f.time(lastAt)} · ${f.number(messageCount)} · ${begin}`,

    you: '你',
    bot: '机器人',
    somebody: '某人',
    stopped: '已停止',
    cut: '不完整',
    history: {
      header: (time) => f.time(time),
      footer: (from, to, total, expiresInMs) =>
        `第 ${f.number(from)}–${f.number(to)} 条，共 ${messages(total)} · 时区 ${f.timeZone} · ${f.roughly(expiresInMs)}后忘记`,
      unreadable: (count) => `有 ${messages(count)}无法读取，已略去。`,
      files: (names) => `文件：${f.list(names.map((name) => `\`${name}\``))}`,
      shortened: '长消息已缩短；用 /history export 可得到全文。',
      exported: (count) => `我对这个对话的全部记忆：${messages(count)}。`,
      facts: (count) => `其中包括你让我在这里记住的 ${f.number(count)} 件事。`,
      factsTitle: '你让我在这里记住的事',
      fileTitle: (exportedAt) => `对话，导出于 ${f.time(exportedAt)}（${f.timeZone}）`,
    },

    forget: {
      confirmHere: '要我忘记这个对话吗？之后无法恢复。',
      confirmMine: '要我从这个共享对话中移除你的消息和我对它们的回答吗？之后无法恢复。',
      confirmWhole: '要我对所有人忘记整个对话吗？之后无法恢复。',
      confirmEverywhere: '要我忘记你在这里与我的所有对话吗？之后无法恢复。',
      confirmByText: (form) => `若要确认，请发送：${form}`,
      done: (erased) =>
        `已忘记：${conversations(erased.conversations)}，${messages(erased.messages)}。${waiting(erased.waiting)}`,
      removedMine: (erased) =>
        `已从这个共享对话中移除 ${messages(erased.messages)}，即你的消息和我对它们的回答。${waiting(erased.waiting)}`,
      othersMayRepeat: '我对其他人的回答里可能仍会提到你说过的话，只有他们或管理员才能删除那些回答。',
      factsStay: (count) => `你让我在这里记住的 ${f.number(count)} 件事仍会保留，可用 \`/facts\` 查看和删除。`,
      factsRemoved: (count) => `你让我记住的 ${f.number(count)} 件事也已删除。`,
      mayWipe: '你也可以为所有人清除整个对话。',
    },

    remember: {
      onMessage: '记住这条消息',
      explain: (limit) =>
        `请写上要我记住的内容，例如 \`/remember 我吃素\`：最多 ${f.number(limit)} 字，可以有多行。` +
        '我只在这里为你记住它，并在你每次发消息时提供给模型。用 `/facts` 可以查看和删除；`/forget` 不会删除它。',
      question: '这里的其他人也能看到我的回答。要为这个频道记住它吗？',
      kept: (until) => `我会在这里记住它，直到 ${f.time(until)}（${f.timeZone}）。用 \`/facts\` 可以查看和删除。`,
      known: '这件事我已经在这里记住了。用 `/facts` 可以查看。',
      knownUntil: (until) => `这件事我已经在这里记住了，会保留到 ${f.time(until)}（${f.timeZone}）。`,
      full: '我在这里为你记住的事已经满了。请先用 `/facts` 删除一些。',
      tooLong: (limit) => `太长了：我一次最多能记住 ${f.number(limit)} 字。什么都没有保存。`,
      noText: '那条消息里没有可以记住的文字。',
      notYours: '我只记住你自己写的内容，而那条消息不是你发的。',
      tooLate: '那段文字我已经没有了：我只等十分钟。请重新发送 `/remember`。',
      directOnly: '这里的其他人也能看到我的回答。请在与我的私聊中这样做。',
    },

    facts: {
      shared: '这里的所有人与我共用一个对话，所以我不会在这里为某个人单独记住什么。请在与我的私聊中这样做。',
      none: '你还没有让我在这里记住什么。发送 `/remember` 加上内容即可。',
      title: (count, limit) => `**你让我在这里记住的事**（${f.number(count)} 件，最多 ${f.number(limit)} 件）`,
      entry: (saidAt, expiresAt) => `${f.time(saidAt)} 说的，保留到 ${f.time(expiresAt)}`,
      times: `时区 ${f.timeZone}。`,
      howToRemove: '用 `/facts remove` 加编号删除一条，用 `/facts remove all` 全部删除。',
      removed: '已删除。',
      unknown: '这一条我已经没有了。',
      confirmAll: '要删除你让我在这里记住的所有事吗？之后无法恢复。',
      removedAll: (count) => `已删除 ${f.number(count)} 件事。`,
      mayBeRepeated: '我之前的回答里可能仍会提到，用 `/forget` 可以清除。',
    },

    ttl: {
      left: (ms) => `如果不再继续，我会在 **${f.roughly(ms)}**后忘记这个对话；每一轮都会重新计时。`,
      leftOf: (ms, begin) => `${f.roughly(ms)}后忘记：${begin}`,
      setting: (seconds, chosen) =>
        `这里的设置：最后一轮之后 **${f.exactly(seconds)}**（${chosenOrDefault(chosen)}）。`,
      placeSetting: (seconds, chosen) =>
        `你在这里的对话的设置：最后一轮之后 **${f.exactly(seconds)}**（${chosenOrDefault(chosen)}）。`,
      change: (min, max) =>
        `用 \`/ttl 10m\` 更改（从${f.exactly(min)}到${f.exactly(max)}），用 \`/ttl default\` 恢复默认。`,
      set: (seconds) => `从现在起，这个对话将在最后一轮之后 **${f.exactly(seconds)}**被忘记。`,
      placeSet: (seconds) =>
        `从现在起，你在这里的对话将在最后一轮之后 **${f.exactly(seconds)}**被忘记，单独设置过的除外。`,
      atOnce: (count) => `对这里正在进行的 ${count} 个对话，已立即生效。`,
      kept: '这一设置会一直有效，直到你更改它；/forget 之后也不变。',
      back: (seconds) => `已恢复默认：最后一轮之后 **${f.exactly(seconds)}**忘记。`,
      bounds: (min, max) =>
        `记忆时长须为整数秒（\`600\`），或 \`90s\`、\`10m\`、\`2h\`、\`7d\` 这样的写法，从 **${f.exactly(min)}** 到 **${f.exactly(max)}**，或 \`default\`。`,
    },

    memstats: {
      here: '这个对话',
      messages: (count, turns) => `消息：${f.number(count)} 条（${f.number(turns)} 轮）`,
      tokens: (count) => `估计的 token 数：${f.number(count)}`,
      bytes: (count) => `占用存储：${f.bytes(count)}`,
      left: (ms) => `距离忘记：${f.roughly(ms)}`,
      age: (ms) => `已有：${f.roughly(ms)}`,
      key: (key) => `键：\`${key}\``,
      shown: ({ system, facts, window, recall }) =>
        [
          '接下来会给模型看：',
          `  - 系统提示词：${tokens(system)}`,
          ...(facts.count === 0 ? [] : [`  - ${f.number(facts.count)} 条记住的事：${tokens(facts.tokens)}`]),
          `  - ${messages(window.of)}中最新的 ${f.number(window.count)} 条：${tokens(window.tokens)}（${windowEnds[window.end]}）`,
          ...(recall.of === 0 ? [] : [`  - ${recalled(recall.of, recall.tokens)}`]),
        ].join('\n'),
      service: '整个服务',
      live: (count, messageCount) => `现存：${conversations(count)}，${messages(messageCount)}`,
      today: (turns) => `今天的轮数：${f.number(turns)}`,
      server: '服务器（仅管理员可见）',
      store: (server) => `存储：${server.store} ${server.version}`,
      memory: (human) => `已用内存：${human}`,
      clients: (count) => `已连接的客户端：${f.number(count)}`,
      waiting: (count) => `有消息等待的对话：${f.number(count)}`,
    },

    help: {
      intro: '我是一个会记住对话的聊天机器人：你允许多久就记多久，不会更久。',
      direct: '在这里直接写给我就行。',
      channel:
        '在这里请提及我，或回复我的消息；在叫过我的消息列或子区里，直接继续就行；在那里用 `/forget`，我就会退出。',
      http: '用 POST /chat 发送消息；下面的命令也可以作为消息发送。',
      shared: '这个频道里的所有人与我共用一个对话。',
      own: '你的对话与其他人的对话互不相干。',
      commands: '命令（也可作为一整条消息发送，例如 `/forget` 或 `!forget`）；只有你能看到回答：',
      kept: (seconds, windowMessages, maxMessages) =>
        `你的消息和我的回答会保存到最后一轮之后 **${f.exactly(seconds)}**，最多保留最新的 ${messages(maxMessages)}，` +
        `其中最多最近 ${f.number(windowMessages)} 条会给模型看。到期或 /forget 之后即被删除。`,
      stays:
        '你删除的内容可能还会出现在我对另一条消息的回答里，/forget 可以一并清除。用 /remember 记住的内容会一直保留，直到到期或你用 /facts 删除。',
      model: (description) =>
        `为了回答，我会把你的消息发送给语言模型 ${description}；其提供方会保留什么，由提供方的规定决定。`,
      demoModel: '我的回答来自内置的演示程序，你的消息不会发给任何人。',
    },

    hint: {
      unknown: (given) => `我不认识 \`${given}\`。`,
      option: (given) => `我不明白 \`${given}\`。`,
      nearest: (form) => `你是不是想用 \`${form}\`？`,
    },
  };
}
