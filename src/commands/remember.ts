/** /remember: keeps a fact of the person for this place. Where others read the answers, the person is asked before it is kept. */
import { z } from 'zod';
import type { CommandResult } from '../core/commands.ts';
import { factText } from '../core/fact-text.ts';
import { type Fact, isFactId, type KeepFactResult, MAX_FACT_LENGTH, newFactId } from '../core/facts.ts';
import type { SessionId } from '../core/session.ts';
import { localised } from '../i18n/messages.ts';
import { answer, button, type CommandRequest, defineCommand, maxLengthOf } from './command.ts';
import { factPlace } from './fact-place.ts';
import { quoteWithin } from './markdown.ts';

/** What became of a text before a button was made for it: the text itself is in no button. */
const OUTCOMES = { l: 'long', f: 'full', k: 'known' } as const;

const rememberArgs = z.object({
  /** As it was typed; absent: the command explains itself. */
  text: z.string().optional(),
  /** Of a message from whose menu the command was chosen: who wrote it; empty: no person did. */
  author: z.string().optional(),
  /** A fact that was proposed. The person is asked whether to keep it, and said so if `confirmed`. */
  proposed: z.string().refine(isFactId).optional(),
  confirmed: z.boolean().optional(),
  outcome: z.enum(['long', 'full', 'known']).optional(),
});
type RememberArgs = z.output<typeof rememberArgs>;

export const remember = defineCommand<RememberArgs>({
  definition: {
    name: 'remember',
    description: localised(({ commands }) => commands.about.remember),
    options: [
      {
        kind: 'text',
        name: 'text',
        description: localised(({ commands }) => commands.options.text),
        maxLength: MAX_FACT_LENGTH,
        required: true,
      },
    ],
    onMessage: localised(({ commands }) => commands.remember.onMessage),
    who: 'everybody',
    alsoTried: ['memorize', 'memorise', 'note'],
  },
  args: rememberArgs,
  fromOptions(values) {
    const text = values.get('text');
    return typeof text === 'string' ? { text } : {};
  },
  fromMessage: ({ text, author = '' }) => ({ text: text.trim().slice(0, MAX_FACT_LENGTH + 1), author }),
  async carry(request, args) {
    if (args.text === undefined) return args;
    const base = factPlace(request);
    const checked = factText(args.text);
    if (base === undefined || checked.kind === 'empty') return {};
    if (checked.kind !== 'text') return { outcome: 'long' };
    const result = await propose(request, base, checked.text);
    return result.kind === 'kept' ? { proposed: result.fact.id } : { outcome: result.kind };
  },
  button: {
    letter: 'r',
    encode({ text, author, proposed, confirmed, outcome }) {
      // Nothing that a button could carry.
      if (text !== undefined || author !== undefined) return '-';
      if (proposed !== undefined) return `${confirmed === true ? 'c' : 'q'}${proposed}`;
      return outcome?.[0] ?? '';
    },
    decode(text) {
      if (text === '') return {};
      const outcome = Object.entries(OUTCOMES).find(([letter]) => letter === text)?.[1];
      if (outcome !== undefined) return { outcome };
      const [, letter, proposed] = /^([qc])([a-z0-9]{8})$/.exec(text) ?? [];
      if (proposed === undefined) return undefined;
      return { proposed, ...(letter === 'c' ? { confirmed: true } : {}) };
    },
  },
  points: () => 2,
  async run(request, args) {
    const { deps, context, texts } = request;
    const { remember: lines, facts } = texts.commands;
    const base = factPlace(request);
    if (base === undefined) return answer('refused', facts.shared);
    if (args.author !== undefined && args.author !== context.person.user) return answer('refused', lines.notYours);
    if (args.proposed !== undefined && args.confirmed !== true) return question(request, base, { id: args.proposed });
    if (args.proposed !== undefined) {
      const result = await deps.facts.confirm(base, args.proposed);
      return result.kind === 'unknown' ? answer('done', lines.tooLate) : said(request, result);
    }
    if (args.outcome === 'long') return answer('refused', lines.tooLong(MAX_FACT_LENGTH));
    if (args.outcome === 'full') return answer('refused', lines.full);
    if (args.outcome === 'known') return answer('done', lines.known);
    if (args.text === undefined) return answer('done', lines.explain(MAX_FACT_LENGTH));
    const checked = factText(args.text);
    switch (checked.kind) {
      case 'empty':
        return answer('refused', args.author === undefined ? lines.explain(MAX_FACT_LENGTH) : lines.noText);
      case 'long':
        return answer('refused', lines.tooLong(MAX_FACT_LENGTH));
      case 'text':
        return context.isDirect ? await keep(request, base, checked.text) : await ask(request, base, checked.text);
    }
  },
});

async function keep(request: CommandRequest, base: SessionId, text: string): Promise<CommandResult> {
  const { facts, clock } = request.deps;
  const fact = { id: newFactId(), text, saidAt: clock.now() };
  return said(request, await facts.keep(base, request.context.person, fact));
}

async function ask(request: CommandRequest, base: SessionId, text: string): Promise<CommandResult> {
  // Without a button nobody can say yes.
  if (!request.context.hasButtons) return answer('refused', request.texts.commands.remember.directOnly);
  const result = await propose(request, base, text);
  return result.kind === 'kept' ? question(request, base, result.fact) : said(request, result);
}

function propose(request: CommandRequest, base: SessionId, text: string): Promise<KeepFactResult> {
  const { facts, clock } = request.deps;
  return facts.propose(base, request.context.person, { id: newFactId(), text, saidAt: clock.now() });
}

/** The text is shown where it is known: behind the button of a public message it is not. */
function question(
  request: CommandRequest,
  base: SessionId,
  { id, text }: Partial<Fact> & Pick<Fact, 'id'>,
): CommandResult {
  const { texts } = request;
  const asked = texts.commands.remember.question;
  const command = { name: 'remember', proposed: id, confirmed: true };
  const action = button(request, { label: texts.buttons.keepHere, style: 'primary' }, command, base);
  return answer('confirm', text === undefined ? asked : withText(request, asked, text), { actions: [action] });
}

function said(request: CommandRequest, result: KeepFactResult): CommandResult {
  const { remember: lines } = request.texts.commands;
  switch (result.kind) {
    case 'kept':
      return answer('done', withText(request, lines.kept(result.fact.expiresAt), result.fact.text));
    case 'known':
      return answer('done', withText(request, lines.knownUntil(result.fact.expiresAt), result.fact.text));
    case 'full':
      return answer('refused', lines.full);
  }
}

function withText({ context }: CommandRequest, line: string, text: string): string {
  return quoteWithin(line, text, maxLengthOf(context));
}
