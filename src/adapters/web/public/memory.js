/** The memory of the conversation as it is in the store, beside the talk. */
import { byId, h } from './dom.js';
import { renderPrivate } from './private.js';

const PRESETS = ['60s', '10m', '30m', '2h', '7d'];
/** Characters of a stored message that are shown. */
const SHOWN = 280;

/** `command(text)` and `press(id)` run one for the person in this seat and give its private answer. */
export function createMemory(api, settings, { seat, command, press }) {
  const root = byId('memory');
  /** What was read, and when, by the monotonic clock. */
  let latest;
  let loading = false;
  let again = false;
  const figures = h('dl', { class: 'figures' });
  const left = h('output', { class: 'left' });
  const bar = h('progress', { max: 1, value: 0 });
  const expiry = h('div', { class: 'expiry' });
  const value = h('input', { id: 'ttl', list: 'presets', size: 8, autocomplete: 'off', placeholder: '10m' });
  const presets = h(
    'datalist',
    { id: 'presets' },
    PRESETS.map((preset) => h('option', { value: preset })),
  );
  const controls = h('div', { class: 'controls' });
  const answer = h('div', { class: 'answer', role: 'status' });
  const stored = h('ol', { class: 'stored', tabindex: 0 });
  const storedTitle = h('h3', { id: 'stored-title' });
  stored.setAttribute('aria-labelledby', 'stored-title');
  const where = h('p', { class: 'where' });
  root.append(where, expiry, figures, controls, answer, storedTitle, stored);
  setInterval(tick, 1000);

  async function refresh() {
    if (loading) {
      again = true;
      return;
    }
    loading = true;
    const { user, channel } = seat();
    try {
      const read = await api.get('memory', { user, channel, locale: settings.locale });
      latest = { read, at: performance.now(), user, channel };
      draw();
    } catch {
      // The feed says that the bot or its store is away, and asks for this again when they are back.
    } finally {
      loading = false;
      if (again) {
        again = false;
        refresh();
      }
    }
  }

  function remaining() {
    const ms = latest?.read.ttl.expires_in_ms;
    return ms === null || ms === undefined ? undefined : ms - (performance.now() - latest.at);
  }

  function tick() {
    const ms = remaining();
    if (ms === undefined) return;
    left.textContent = duration(ms);
    bar.value = Math.max(0, Math.min(1, ms / (latest.read.ttl.effective * 1000)));
    // It has run down: the store says whether it is gone.
    if (ms <= 0) refresh();
  }

  function draw() {
    const { texts } = settings;
    const { ttl, conversation, messages, seen } = latest.read;
    const number = new Intl.NumberFormat(settings.locale);
    where.textContent = texts.where(latest.user, latest.channel);
    expiry.replaceChildren(
      ...(ttl.expires_in_ms === null
        ? [h('p', { class: 'empty' }, texts.nothing)]
        : [h('p', {}, texts.expires, ' ', left), bar]),
    );
    bar.setAttribute('aria-label', texts.expires);
    const chosen = ttl.choice === null ? texts.lifetimeDefault : texts.lifetimeChosen;
    const rows = [[texts.lifetime, `${duration(ttl.effective * 1000)} (${chosen})`]];
    if (conversation !== null) {
      rows.push(
        [
          texts.storedMessages,
          texts.messagesAndTurns(number.format(messages.length), number.format(conversation.turns)),
        ],
        [
          texts.modelSees,
          texts.messagesSeen(number.format(seen.messages), number.format(messages.length), number.format(seen.tokens)),
        ],
        [texts.tokens, number.format(conversation.tokens)],
        [texts.size, bytes(conversation.bytes, settings.locale)],
        [
          texts.since,
          new Intl.DateTimeFormat(settings.locale, { timeStyle: 'medium' }).format(conversation.created_at),
        ],
        [texts.storedKey, h('code', {}, conversation.key)],
      );
      if (conversation.corrupt > 0) rows.push([texts.corrupt, number.format(conversation.corrupt)]);
    }
    figures.replaceChildren(...rows.flatMap(([name, text]) => [h('dt', {}, name), h('dd', {}, text)]));
    drawStored(messages, texts);
    tick();
  }

  function drawStored(messages, texts) {
    storedTitle.textContent = texts.stored;
    storedTitle.hidden = messages.length === 0;
    stored.hidden = messages.length === 0;
    stored.replaceChildren(
      ...messages
        .toReversed()
        .map(({ role, author, content, seen }) =>
          h(
            'li',
            { class: seen ? 'seen' : 'unseen' },
            h(
              'p',
              { class: 'head' },
              h('code', {}, role),
              author === undefined ? null : ` ${author}`,
              h('span', { class: 'badge' }, seen ? texts.seen : texts.unseen),
            ),
            h('p', { class: 'content' }, content.length > SHOWN ? `${content.slice(0, SHOWN)}…` : content),
          ),
        ),
    );
  }

  /** Drawn anew only with another language: what is being typed stays. */
  function drawControls() {
    const { texts } = settings;
    const set = h(
      'form',
      { class: 'row' },
      h('label', { for: 'ttl' }, texts.setTtl),
      value,
      presets,
      h('button', { type: 'submit' }, texts.set),
      h('button', { type: 'button', onclick: () => run(() => command('/ttl default')) }, texts.ttlDefault),
    );
    set.addEventListener('submit', (event) => {
      event.preventDefault();
      if (value.value.trim() !== '') run(() => command(`/ttl ${value.value.trim()}`));
    });
    const forget = h(
      'button',
      { type: 'button', class: 'danger', onclick: () => run(() => command('/forget')) },
      texts.forget,
    );
    controls.replaceChildren(set, h('p', { class: 'row' }, forget));
  }

  async function run(action) {
    try {
      showAnswer(await action());
    } catch (error) {
      answer.replaceChildren(h('p', { class: 'fault' }, error.message));
    }
    refresh();
  }

  function showAnswer(result) {
    answer.replaceChildren(...renderPrivate(result, settings.texts, (id) => run(() => press(id))));
  }

  function duration(ms) {
    const seconds = Math.max(0, Math.ceil(ms / 1000));
    const parts = [
      [Math.floor(seconds / 86_400), 'day'],
      [Math.floor(seconds / 3600) % 24, 'hour'],
      [Math.floor(seconds / 60) % 60, 'minute'],
      [seconds % 60, 'second'],
    ];
    const first = parts.findIndex(([count]) => count > 0);
    return parts
      .slice(first < 0 ? 3 : first)
      .slice(0, 2)
      .filter(([count], index) => count > 0 || index === 0)
      .map(([count, unit]) =>
        new Intl.NumberFormat(settings.locale, { style: 'unit', unit, unitDisplay: 'short' }).format(count),
      )
      .join(' ');
  }

  drawControls();
  return {
    refresh,
    /** Another conversation: what was shown of the last one is wrong here. */
    reset() {
      latest = undefined;
      for (const part of [figures, expiry, answer, stored]) part.replaceChildren();
      refresh();
    },
    translate() {
      drawControls();
      if (latest !== undefined) draw();
    },
  };
}

export function bytes(count, locale) {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte'];
  const step = Math.min(units.length - 1, Math.floor(Math.log(Math.max(1, count)) / Math.log(1000)));
  const options = { style: 'unit', unit: units[step], unitDisplay: 'short', maximumFractionDigits: step === 0 ? 0 : 1 };
  return new Intl.NumberFormat(locale, options).format(count / 1000 ** step);
}
