/** The private answer to a command: its text, its buttons, its files. */
import { h } from './dom.js';
import { renderMarkdown } from './markdown.js';

/** `press(id)` is called for a pressed button. */
export function renderPrivate(answer, texts, press) {
  const body = h('div', { class: 'text' }, renderMarkdown(answer.text, texts));
  const buttons = answer.actions.map(({ label, style, id }) =>
    h('button', { type: 'button', class: style, onclick: () => press(id) }, label),
  );
  const files = answer.files.map((file) =>
    h('button', { type: 'button', onclick: () => download(file) }, `⤓ ${file.name}`),
  );
  const row = [...buttons, ...files];
  return row.length === 0 ? [body] : [body, h('p', { class: 'row' }, row)];
}

function download({ name, media_type, content }) {
  const url = URL.createObjectURL(new Blob([content], { type: media_type }));
  h('a', { href: url, download: name }).click();
  URL.revokeObjectURL(url);
}
