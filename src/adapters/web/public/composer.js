/** Where one writes: Enter sends, a slash lists the commands. */
import { byId, h } from './dom.js';

/** `commands()` gives those that can be completed; `on` has `send(text)`. */
export function createComposer(settings, commands, on) {
  const field = byId('message');
  const list = byId('completions');
  let offers = [];
  let chosen = 0;

  byId('composer').addEventListener('submit', (event) => {
    event.preventDefault();
    send();
  });
  field.addEventListener('input', refresh);
  field.addEventListener('blur', () => close());
  field.addEventListener('keydown', (event) => {
    // An input method uses Enter for itself.
    if (event.isComposing) return;
    if (offers.length > 0 && offerKey(event.key)) event.preventDefault();
    else if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      send();
    }
  });

  function send() {
    const text = field.value.trim();
    if (text === '') return;
    field.value = '';
    close();
    on.send(text);
  }

  function offerKey(key) {
    const exact = offers[chosen]?.text.trim() === field.value.trim();
    switch (key) {
      case 'ArrowDown':
        choose(chosen + 1);
        return true;
      case 'ArrowUp':
        choose(chosen - 1);
        return true;
      case 'Escape':
        close();
        return true;
      case 'Tab':
        accept(chosen);
        return true;
      case 'Enter':
        // What is written out in full is meant to be sent.
        if (!exact) accept(chosen);
        return !exact;
      default:
        return false;
    }
  }

  function refresh() {
    offers = offersFor(field.value, commands());
    chosen = 0;
    draw();
    if (offers.length > 0) byId('spoken').textContent = settings.texts.completions(offers.length);
  }

  function choose(index) {
    chosen = (index + offers.length) % offers.length;
    draw();
  }

  function accept(index) {
    field.value = offers[index].text;
    field.focus();
    refresh();
  }

  function close() {
    offers = [];
    draw();
  }

  function draw() {
    list.hidden = offers.length === 0;
    list.replaceChildren(
      ...offers.map(({ label, description }, index) =>
        h(
          'div',
          {
            id: `offer-${index}`,
            role: 'option',
            'aria-selected': String(index === chosen),
            // Before the field loses the focus, which would close the list.
            onmousedown: (event) => {
              event.preventDefault();
              accept(index);
            },
          },
          h('code', {}, label),
          ' ',
          h('span', {}, description),
        ),
      ),
    );
    if (offers.length === 0) field.removeAttribute('aria-activedescendant');
    else field.setAttribute('aria-activedescendant', `offer-${chosen}`);
  }

  return { focus: () => field.focus() };
}

/** What could be meant by a beginning: commands, then the values of their options. */
export function offersFor(text, commands) {
  if (!text.startsWith('/') || text.includes('\n')) return [];
  const words = text.split(' ');
  const [name] = words;
  if (words.length === 1) {
    return commands
      .filter((command) => `/${command.name}`.startsWith(name))
      .map(({ usage, description, ...command }) => ({ text: `/${command.name} `, label: usage, description }));
  }
  const begun = words.at(-1);
  const command = commands.find((candidate) => `/${candidate.name}` === name);
  const options = command?.options ?? [];
  return options.flatMap(({ values, description }) =>
    values
      .filter((value) => value.startsWith(begun) && !words.slice(1, -1).includes(value))
      .map((value) => ({ text: `${words.slice(0, -1).join(' ')} ${value}`, label: value, description })),
  );
}
