/** Puts the page together. */
import { createApi } from './api.js';
import { createChat } from './chat.js';
import { createComposer } from './composer.js';
import { createConversation } from './conversation.js';
import { byId, randomId } from './dom.js';
import { openFeed } from './feed.js';
import { createKey } from './key.js';
import { createMemory } from './memory.js';
import { createOutbox } from './outbox.js';
import { createOverview } from './overview.js';
import { createSeats } from './seats.js';
import { createSettings } from './settings.js';

const settings = createSettings(translate);
const api = createApi(createKey());
const seats = createSeats(changeSeat);
const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
const context = () => ({ locale: settings.locale, time_zone: timeZone });
const asker = () => ({ ...seats.seat, can_manage: seats.canManage, ...context() });

let setup = { commands: [], scope: 'user', store: 'sqlite', model: '', max_message_length: Number.POSITIVE_INFINITY };
/** By seat: private answers stay while one looks elsewhere. */
const conversations = new Map();
let conversation = conversationOf(seats.seat);
let feed;

const outbox = createOutbox({ api, context, onAnswer: takeAnswer, onChange: show });
const chat = createChat(
  {
    get texts() {
      return settings.texts;
    },
    get locale() {
      return settings.locale;
    },
    get person() {
      return seats.seat.user;
    },
  },
  {
    again: (id) => outbox.again(id),
    dismiss: (id) => outbox.remove(id),
    press: (aside, id) =>
      press(id).then((answer) => takeAnswer({ ...seats.seat, text: aside.command }, answer), complain),
    close(key) {
      conversation.removeAside(key);
      show();
    },
  },
);
const memory = createMemory(api, settings, { seat: () => seats.seat, command: runCommand, press });
const overview = createOverview(api, settings, () => setup);
const composer = createComposer(settings, () => setup.commands, { send });

byId('stop').addEventListener('click', () => {
  const id = conversation.running;
  if (id !== undefined) api.post('stop', { ...seats.seat, locale: settings.locale, id }).catch(complain);
});
for (const button of document.querySelectorAll('[data-goto]')) {
  button.addEventListener('click', () => goTo(button.dataset.goto));
}
addEventListener('hashchange', () => goTo(viewOf(location.hash)));

showConnected(false);
changeSeat();
loadSetup();
goTo(viewOf(location.hash));
composer.focus();

function conversationOf({ user, channel }) {
  const key = JSON.stringify([user, channel]);
  const known = conversations.get(key) ?? createConversation();
  conversations.set(key, known);
  return known;
}

async function loadSetup() {
  try {
    setup = await api.get('setup', { locale: settings.locale, can_manage: seats.canManage });
  } catch {
    setTimeout(loadSetup, 2000);
    return;
  }
  byId('manager-box').hidden = setup.scope !== 'channel';
  byId('scope').textContent = setup.scope === 'channel' ? settings.texts.scopeChannel : settings.texts.scopeUser;
  overview.redraw();
}

function changeSeat() {
  feed?.close();
  conversation = conversationOf(seats.seat);
  const current = conversation;
  const track = () => outbox.entries(seats.seat).filter(({ status }) => status !== 'failed');
  const query = () =>
    new URLSearchParams([
      ...Object.entries({ ...seats.seat, locale: settings.locale }),
      ...track()
        .slice(-50)
        .map(({ id }) => ['track', id]),
    ]);
  feed = openFeed(api, query, {
    connected: showConnected,
    state: (state) => takeState(current, state),
    text(event) {
      current.setText(event);
      show();
    },
    away: ({ text }) => showTrouble(text),
  });
  show();
  memory.reset();
  loadSetup();
  requestAnimationFrame(() => chat.toEnd());
}

function takeState(current, state) {
  const fresh = current.setState(state);
  const remembered = new Set(state.messages.map(({ turn }) => turn));
  for (const { id, status } of outbox.entries(seats.seat)) {
    if (remembered.has(id) && status !== 'failed') outbox.remove(id);
  }
  for (const settled of state.settled) settle(current, settled);
  showTrouble('');
  show();
  memory.refresh();
  for (const { content } of fresh) chat.say(settings.texts.answered(content));
}

/** What became of a turn that is not in memory. */
function settle(current, { turn, outcome, text }) {
  const entry = outbox.entries(seats.seat).find(({ id }) => id === turn);
  if (outcome === 'unknown' && entry?.status === 'sending') return outbox.resend(turn);
  if (outcome === 'failed' && entry !== undefined) {
    outbox.fail(turn, text);
    return chat.say(text);
  }
  outbox.remove(turn);
  const notice = outcome === 'unknown' ? settings.texts.gone : text;
  if (notice !== '' && (entry !== undefined || outcome !== 'unknown'))
    addAside(current, { kind: 'notice', text: notice });
}

function takeAnswer({ user, channel, text }, answer) {
  const of = conversationOf({ user, channel });
  addAside(of, { kind: 'private', command: text, answer });
  chat.say(answer.text);
  memory.refresh();
}

function addAside(of, aside) {
  of.addAside({ key: randomId(), after: of.last(outbox.entries(seats.seat)), ...aside });
  show();
}

function send(text) {
  if (text.length > setup.max_message_length) {
    return addAside(conversation, { kind: 'notice', text: settings.texts.tooLong(setup.max_message_length) });
  }
  outbox.add({ ...seats.seat, can_manage: seats.canManage }, text);
  requestAnimationFrame(() => chat.toEnd());
}

async function runCommand(text) {
  const sent = await api.post('messages', { ...asker(), id: randomId(), text });
  return sent.kind === 'answer' ? sent.answer : { kind: 'refused', text: sent.text ?? '', actions: [], files: [] };
}

async function press(action) {
  return (await api.post('actions', { ...asker(), action })).answer;
}

function complain(error) {
  addAside(conversation, { kind: 'notice', text: error.message });
}

function show() {
  const entries = outbox.entries(seats.seat);
  if (conversation.known || entries.length > 0) chat.show(conversation.items(entries));
  else chat.show([]);
  byId('stop').hidden = conversation.running === undefined;
}

function showConnected(connected) {
  const element = byId('connection');
  const text = connected ? settings.texts.connected : settings.texts.connecting;
  element.className = connected ? 'on' : 'off';
  if (element.textContent !== text) element.textContent = text;
}

function showTrouble(text) {
  const element = byId('trouble');
  element.hidden = text === '';
  element.textContent = text;
}

function viewOf(hash) {
  const view = hash.slice(1);
  return view === 'overview' || view === 'memory' ? view : 'chat';
}

function goTo(view) {
  document.body.dataset.view = view;
  if (viewOf(location.hash) !== view) history.replaceState(null, '', view === 'chat' ? '#' : `#${view}`);
  for (const button of document.querySelectorAll('[data-goto]')) {
    if (button.dataset.goto === view) button.setAttribute('aria-current', 'page');
    else button.removeAttribute('aria-current');
  }
  if (view === 'overview') overview.start();
  else overview.stop();
}

function translate() {
  showConnected(byId('connection').className === 'on');
  memory.translate();
  overview.redraw();
  loadSetup();
  // Also the answers to come, and why a turn failed, are in the new language.
  changeSeat();
}
