/** Simplified Chinese texts of the memory commands. */
import type { Texts } from './en.ts';
import type { Formats } from './formats.ts';

export function chineseCommands(f: Formats): Texts['commands'] {
  const messages = (count: number) => `${f.number(count)} 条消息`;
  const conversations = (count: number) => `${f.number(count)} 个对话`;
  const waiting = (count: number) => (count === 0 ? '' : `还在等待的 ${messages(count)}不会再得到回答。`);
  const chosenOrDefault = (chosen: boolean) => (chosen ? '自选' : '默认');

  return {
    about: {
      history: '显示我对这个对话的记忆',
      forget: '让我忘记',
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
      shortened: '长消息已缩短；用 /history export 可得到全文。',
      exported: (count) => `我对这个对话的全部记忆：${messages(count)}。`,
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
      mayWipe: '你也可以为所有人清除整个对话。',
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
      visible: (seen, total, tokens) =>
        `模型可见：${messages(total)}中的 ${f.number(seen)} 条，约 ${f.number(tokens)} token`,
      key: (key) => `键：\`${key}\``,
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
    },

    hint: {
      unknown: (given) => `我不认识 \`${given}\`。`,
      option: (given) => `我不明白 \`${given}\`。`,
      nearest: (form) => `你是不是想用 \`${form}\`？`,
    },
  };
}
