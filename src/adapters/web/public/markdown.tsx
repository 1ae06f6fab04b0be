/**
 * Markdown to elements. The library only reads it into tokens; the elements are made here, one kind of token after the
 * other, so HTML in a text is shown as the text that it is, and nothing that is not listed here can come out.
 */
import { Lexer, type MarkedToken, type Token, type Tokens } from 'marked';
import type { ComponentChildren } from 'preact';
import { useMemo } from 'preact/hooks';
import { isWithin, type MarkupBounds } from '../../../replies/markdown/limits.ts';
import type { Texts } from './texts.ts';

/** Where links may lead. */
const SCHEMES = ['http:', 'https:', 'mailto:'];

/** Below the page's own headings, whatever the text says. */
const HEADINGS = ['h3', 'h4', 'h5', 'h6', 'h6', 'h6'] as const;

const KNOWN: readonly MarkedToken['type'][] = [
  ...([
    'space',
    'def',
    'heading',
    'paragraph',
    'code',
    'blockquote',
    'list',
    'list_item',
    'hr',
    'table',
    'html',
  ] as const),
  ...(['text', 'escape', 'strong', 'em', 'del', 'codespan', 'br', 'checkbox', 'link', 'image'] as const),
];

/** A longer text than Slack's pieces, and read paragraph by paragraph: 500 delimiters in one take some 10 ms. */
const READ: MarkupBounds = { depth: 16, delimiters: 500, marks: 20_000 };

/** For what a screen reader meets. */
type Labels = Pick<Texts, 'code' | 'table'>;

export function Markdown({ text, texts }: { readonly text: string; readonly texts: Labels }) {
  // Read once: while an answer is written, the others are drawn again with every piece of it.
  return useMemo(() => <>{elements(text, texts)}</>, [text, texts]);
}

function elements(text: string, labels: Labels): ComponentChildren {
  // Else the page would stand still, or lose the whole conversation to an overflow of the stack.
  if (!isWithin(text, READ)) return <p class="plain">{text}</p>;
  return blocks(new Lexer({ gfm: true, breaks: true }).lex(text), labels);
}

function blocks(tokens: readonly Token[], labels: Labels): ComponentChildren {
  return tokens.map((token) => block(token, labels));
}

function block(token: Token, labels: Labels): ComponentChildren {
  if (!isKnown(token)) return <p>{token.raw.trimEnd()}</p>;
  switch (token.type) {
    case 'space':
    case 'def':
      return null;
    case 'heading': {
      const Heading = HEADINGS[token.depth - 1] ?? 'h6';
      return <Heading>{inlines(token.tokens)}</Heading>;
    }
    case 'paragraph':
      return <p>{inlines(token.tokens)}</p>;
    case 'code':
      return codeBlock(token, labels);
    case 'blockquote':
      return <blockquote>{blocks(token.tokens, labels)}</blockquote>;
    case 'list':
      return list(token, labels);
    case 'checkbox':
      return checkbox(token);
    case 'hr':
      return <hr />;
    case 'table':
      return table(token, labels);
    case 'text':
      return inlines(token.tokens ?? [token]);
    default:
      // HTML, and what only stands in a line.
      return <p>{token.raw.trimEnd()}</p>;
  }
}

/** Extensions of the library, of which there are none here, could make others. */
function isKnown(token: Token): token is MarkedToken {
  return KNOWN.some((type) => type === token.type);
}

function list({ ordered, start, items }: Tokens.List, labels: Labels) {
  const children = items.map((item, index) => <li key={index}>{blocks(item.tokens, labels)}</li>);
  return ordered ? <ol start={Number(start) === 1 ? undefined : Number(start)}>{children}</ol> : <ul>{children}</ul>;
}

function checkbox({ checked, raw }: Tokens.Checkbox) {
  return <input type="checkbox" checked={checked} disabled aria-label={raw} />;
}

function codeBlock({ text, lang = '' }: Tokens.Code, labels: Labels) {
  const [language = ''] = lang.trim().split(/\s/);
  return (
    <div class="code">
      {language !== '' && <span class="lang">{language}</span>}
      {/* biome-ignore lint/a11y: wide lines are scrolled to, with the keyboard too, so it is a region and takes the focus */}
      <pre tabIndex={0} role="region" aria-label={language || labels.code}>
        <code>{text}</code>
      </pre>
    </div>
  );
}

function table({ header, rows }: Tokens.Table, labels: Labels) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: wide tables are scrolled, with the keyboard too
    <section class="table" tabIndex={0} aria-label={labels.table}>
      <table>
        <thead>
          <tr>
            {header.map((cell, index) => (
              <th key={index}>{inlines(cell.tokens)}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((cells, row) => (
            <tr key={row}>
              {cells.map((cell, index) => (
                <td key={index}>{inlines(cell.tokens)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function inlines(tokens: readonly Token[]): ComponentChildren {
  return tokens.map(inline);
}

function inline(token: Token): ComponentChildren {
  if (!isKnown(token)) return token.raw;
  switch (token.type) {
    case 'text':
      return token.tokens === undefined ? token.text : inlines(token.tokens);
    case 'escape':
      return token.text;
    case 'strong':
      return <strong>{inlines(token.tokens)}</strong>;
    case 'em':
      return <em>{inlines(token.tokens)}</em>;
    case 'del':
      return <del>{inlines(token.tokens)}</del>;
    case 'codespan':
      return <code>{token.text}</code>;
    case 'br':
      return <br />;
    case 'checkbox':
      return checkbox(token);
    case 'link':
      return link(token.href, inlines(token.tokens));
    case 'image':
      // Loading it would tell its server who reads this.
      return link(token.href, token.text || token.href);
    default:
      return token.raw;
  }
}

function link(href: string, children: ComponentChildren) {
  const url = URL.canParse(href) ? new URL(href) : undefined;
  if (url === undefined || !SCHEMES.includes(url.protocol)) return <span>{children}</span>;
  return (
    <a href={url.href} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  );
}
