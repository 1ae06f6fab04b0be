/**
 * Markdown to elements. The library only reads it into tokens; the elements are made here, one kind of token after the
 * other, so HTML in a text is shown as the text that it is, and nothing that is not listed here can come out.
 */

import { h } from './dom.js';
import { Lexer } from './vendor/marked.js';

/** Where links may lead. */
const SCHEMES = ['http:', 'https:', 'mailto:'];

/** `labels` name what a screen reader meets: `{code, table}`. */
export function renderMarkdown(text, labels) {
  const root = document.createDocumentFragment();
  root.append(...blocks(new Lexer({ gfm: true, breaks: true }).lex(text), labels));
  return root;
}

function blocks(tokens, labels) {
  return tokens.flatMap((token) => block(token, labels));
}

function block(token, labels) {
  switch (token.type) {
    case 'space':
    case 'def':
      return [];
    case 'heading':
      // Below the page's own headings, whatever the text says.
      return h(`h${Math.min(6, token.depth + 2)}`, {}, inlines(token.tokens));
    case 'paragraph':
      return h('p', {}, inlines(token.tokens));
    case 'code':
      return codeBlock(token, labels);
    case 'blockquote':
      return h('blockquote', {}, blocks(token.tokens, labels));
    case 'list':
      return h(
        token.ordered ? 'ol' : 'ul',
        { start: token.ordered && token.start !== 1 ? token.start : null },
        token.items.map((item) => h('li', {}, blocks(item.tokens, labels))),
      );
    case 'checkbox':
      return h('input', { type: 'checkbox', checked: token.checked, disabled: true, 'aria-label': token.raw });
    case 'hr':
      return h('hr');
    case 'table':
      return table(token, labels);
    case 'text':
      return inlines(token.tokens ?? [token]);
    default:
      // HTML, and whatever a later version of the library may know.
      return h('p', {}, token.raw.trimEnd());
  }
}

function codeBlock({ text, lang }, labels) {
  const language = (lang ?? '').trim().split(/\s/)[0];
  return h(
    'div',
    { class: 'code' },
    language === '' ? null : h('span', { class: 'lang' }, language),
    // Wide lines are scrolled to, with the keyboard too.
    h('pre', { tabindex: 0, role: 'region', 'aria-label': language || labels.code }, h('code', {}, text)),
  );
}

function table({ header, rows }, labels) {
  const row = (cells, tag) =>
    h(
      'tr',
      {},
      cells.map((cell) => h(tag, {}, inlines(cell.tokens))),
    );
  return h(
    'div',
    { class: 'table', tabindex: 0, role: 'region', 'aria-label': labels.table },
    h(
      'table',
      {},
      h('thead', {}, row(header, 'th')),
      h(
        'tbody',
        {},
        rows.map((cells) => row(cells, 'td')),
      ),
    ),
  );
}

function inlines(tokens) {
  return tokens.flatMap(inline);
}

function inline(token) {
  switch (token.type) {
    case 'text':
      return token.tokens === undefined ? token.text : inlines(token.tokens);
    case 'escape':
      return token.text;
    case 'strong':
      return h('strong', {}, inlines(token.tokens));
    case 'em':
      return h('em', {}, inlines(token.tokens));
    case 'del':
      return h('del', {}, inlines(token.tokens));
    case 'codespan':
      return h('code', {}, token.text);
    case 'br':
      return h('br');
    case 'checkbox':
      return h('input', { type: 'checkbox', checked: token.checked, disabled: true, 'aria-label': token.raw });
    case 'link':
      return link(token.href, inlines(token.tokens));
    case 'image':
      // Loading it would tell its server who reads this.
      return link(token.href, [token.text || token.href]);
    default:
      return token.raw;
  }
}

function link(href, children) {
  const url = URL.canParse(href) ? new URL(href) : undefined;
  if (url === undefined || !SCHEMES.includes(url.protocol)) return h('span', {}, children);
  return h('a', { href: url.href, target: '_blank', rel: 'noopener noreferrer nofollow' }, children);
}
