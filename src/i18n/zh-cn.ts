/** Simplified Chinese. Its type is that of the English texts, so a missing one does not compile. */
import type { AnswerCut, FileFault } from '../core/types.ts';
import type { ErrorCode } from '../errors.ts';
import type { Texts } from './en.ts';
import type { Formats } from './formats.ts';
import { chineseCommands } from './zh-cn-commands.ts';

const NOT_SET_UP = '我的配置有问题。请联系机器人的管理员。';
const NOT_DELIVERED = '我的回答没能发到这里，或许可以用 /history 看到。';

/** Why a file was not read. */
const UNREAD: Readonly<Record<FileFault, string>> = {
  gone: '文件已不存在',
  too_large: '文件太大',
  refused: '没有访问权限',
  malformed: '文件已损坏，或与文件名不符',
  unsupported: '不支持这种文件',
  no_vision: '语言模型看不到图片',
  failed: '下载失败',
};

const FAILED: Readonly<Record<ErrorCode, string>> = {
  config_invalid: NOT_SET_UP,
  store_evicting: NOT_SET_UP,
  store_locked: NOT_SET_UP,
  store_too_old: NOT_SET_UP,
  store_unavailable: '我现在连不上自己的记忆，无法回答。请稍后再试。',
  store_full: '我的记忆已满。在管理员腾出空间之前，我只能读取，不能记住新内容。',
  bad_input: '我没能读懂这条消息。',
  session_invalid: '我分辨不出这属于哪个对话。',
  ttl_out_of_bounds: '这个时长超出了范围，可用 /ttl 查看允许的范围。',
  model_rate_limited: '语言模型暂时不再接受请求。请一分钟后重新发送。',
  model_unavailable: '语言模型暂时不可用。请过一会儿重新发送。',
  model_timeout: '语言模型用时过长。请重新发送。',
  model_disconnected: '与语言模型的连接中途断开了。请重新发送。',
  model_refused_key: '语言模型拒绝了我的 API 密钥。请联系机器人的管理员。',
  model_misconfigured: '语言模型的配置有问题，与你的消息无关。请联系机器人的管理员。',
  model_refused_request: '语言模型服务器拒绝了这次请求，与你写的内容无关。请联系机器人的管理员。',
  model_filtered: '语言模型的内容过滤器拦截了这次对话。请换个说法。',
  model_too_long: '这条消息超出了语言模型能读取的长度。请分成几段发送。',
  model_only_reasoned:
    '语言模型把篇幅都用在了思考上，没有写出回答。换个简单些的问题也许有用；如果还是不行，请联系机器人的管理员。',
  model_empty_answer: '语言模型返回了空白回答。请重新发送。',
  platform_rate_limited: NOT_DELIVERED,
  platform_unavailable: NOT_DELIVERED,
  platform_refused: NOT_DELIVERED,
  platform_credentials: NOT_DELIVERED,
  turn_gave_up: '我试了几次都没有成功，只好放弃。你的下一条消息会照常回答。',
  turn_lost: '这个回答已在别处继续。',
  turn_stopped: '在回答之前就停止了。',
  internal: '我这边出了问题。请重新发送。',
};

const CUT: Readonly<Record<AnswerCut, string>> = {
  length: '（回答不完整：模型达到了自身的长度上限。）',
  filtered: '（回答不完整：被模型的内容过滤器中断。）',
  maximum: '（回答不完整：已达到这里允许的最大长度。）',
  time: '（回答不完整：生成用时过长。）',
};

export function chinese(f: Formats): Texts {
  return {
    failed: FAILED,
    forgotten: '已忘记。',
    stopped: '（已停止）',
    cut: CUT,
    rememberHint: '（我们的对话过一段时间会被忘记。想让我在这里记住某件事，请发送 /remember 加上内容。）',
    thinking: '正在思考…',

    rateLimited: (waitMs) => `消息发得太快了，请在${f.roughly(waitMs)}后重试。`,
    inboxFull: (waiting) => `这里还有 ${f.number(waiting)} 条消息等待回答，这一条没有接收。请等它们回答完再发一次。`,
    tooLong: (limit) => `这条消息太长了：最多 ${f.number(limit)} 个字符。`,
    empty: '这条消息里没有文字。',
    filesUnread: (files) => `（我没能读取${f.list(files.map(({ name, why }) => `\`${name}\`（${UNREAD[why]}）`))}。）`,

    buttons: {
      stop: '停止',
      older: '更早',
      newer: '更新',
      openPrivately: (command) => `仅向我显示 /${command}`,
      forget: '忘记这个对话',
      forgetMine: '移除我的消息',
      forgetEverywhere: '全部忘记',
      forgetWhole: '为所有人清除',
      keepHere: '为这个频道记住',
      removeFact: (number, text) => `删除 ${f.number(number)}：${text}`,
      removeAllFacts: '全部删除',
      moreFacts: '更多',
      firstFacts: '回到开头',
    },
    leavesThread: '我先退出这个子区，有人提及我时再回来。',
    answersPrivately: '只有你能看到回答：',
    buttonNotYours: '这个按钮不是给你的，或者它所属的对话已不在记忆中。',
    stopNotYours: '只有提问的人能停止这个回答，并且只能在它生成的过程中。',

    chat: { about: '和我聊天', message: '你想说的话' },
    commands: chineseCommands(f),

    slack: {
      status: '正在思考…',
      prompts: {
        title: '可以试试：',
        prompts: [
          { title: '你能做什么？', message: '你能做什么？' },
          { title: '你记得什么？', message: '!history' },
          { title: '记到什么时候？', message: '!ttl' },
          { title: '帮助', message: '!help' },
        ],
      },
      filesSent: '文件已发到你与我的私信里。',
      filesNotSent: '文件没能发给你，请稍后再试。',
    },

    startup: {
      redis: (address) => `记忆：Redis（${address}）。重启后仍在，并由所有副本共享。`,
      sqlite: (folder) =>
        `记忆：内置存储（${folder}）。重启后仍在；只供一个进程使用（需要多个进程时请设置 REDIS_URL）。`,
      model: (description) => `模型：${description}。`,
      demoModel:
        '模型：内置演示模型，只用来展示记忆是否有效。设置 OPENAI_API_KEY 或 OPENAI_BASE_URL 可使用真正的模型。',
      platforms: (names) => `已开启：${f.list(names)}。`,
      platformOff: (name, settings) => `未开启：${name}（请设置 ${f.list(settings)}）。`,
      next: (url) =>
        `试一试：${url}，或者：curl ${url}/chat -H 'content-type: application/json' -d '{"user_id":"me","message":"我叫小明"}'（接口文档：${url}/docs）`,
      stopping: (waitMs) => `正在停止：进行中的回答还有${f.roughly(waitMs)}，之后会移交给其他进程。`,
    },
  };
}
