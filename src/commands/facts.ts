/** /facts: what the person told the bot to keep for this place, and removing it. */
import { z } from 'zod';
import type { CommandAction, CommandResult } from '../core/commands.ts';
import { type Fact, isFactId, MAX_FACTS } from '../core/facts.ts';
import type { SessionId } from '../core/session.ts';
import { localised } from '../i18n/messages.ts';
import { answer, button, type CommandRequest, defineCommand, maxLengthOf } from './command.ts';
import { factPlace } from './fact-place.ts';
import { oneLine, quoteWithin } from './markdown.ts';

/** Facts a page holds at most: with the buttons below them, fewer than the 25 of a Discord message. */
const MAX_PAGE = 10;
/** Facts that fit on a page however long they are. */
const MIN_ON_A_PAGE = 2;
const GAP = '\n\n';
const ALL = 'all';

const factsArgs = z.object({
  /** The id of a fact, or `all`. */
  remove: z.union([z.literal(ALL), z.string().refine(isFactId)]).optional(),
  confirmed: z.boolean().optional(),
  /** Facts before the page, oldest first. */
  offset: z.number().optional(),
});
type FactsArgs = z.output<typeof factsArgs>;

export const facts = defineCommand<FactsArgs>({
  definition: {
    name: 'facts',
    description: localised(({ commands }) => commands.about.facts),
    options: [
      {
        kind: 'flag',
        name: 'remove',
        description: localised(({ commands }) => commands.options.removeFact),
        textOnly: true,
      },
      {
        kind: 'word',
        name: 'id',
        description: localised(({ commands }) => commands.options.factId),
        form: /^(?:all|[a-z0-9]{8})$/,
        textOnly: true,
      },
    ],
    who: 'everybody',
    alsoTried: ['fact', 'remembered'],
  },
  args: factsArgs,
  fromOptions(values) {
    const id = values.get('id');
    return values.get('remove') === true && typeof id === 'string' ? { remove: id } : {};
  },
  button: {
    letter: 'k',
    encode({ remove, confirmed, offset }) {
      if (remove === ALL) return confirmed === true ? 'ac' : 'a';
      if (remove !== undefined) return `r${remove}`;
      return offset === undefined ? '' : `o${offset}`;
    },
    decode(text) {
      if (text === '') return {};
      if (text === 'a' || text === 'ac') return { remove: ALL, ...(text === 'ac' ? { confirmed: true } : {}) };
      const [, remove, offset] = /^(?:r([a-z0-9]{8})|o(\d{1,3}))$/.exec(text) ?? [];
      if (remove !== undefined) return { remove };
      return offset === undefined ? undefined : { offset: Number(offset) };
    },
  },
  points: () => 2,
  async run(request, args) {
    const base = factPlace(request);
    if (base === undefined) return answer('refused', request.texts.commands.facts.shared);
    if (args.remove === ALL) return removeAll(request, base, args.confirmed === true);
    return args.remove === undefined ? show(request, base, args.offset ?? 0) : remove(request, base, args.remove);
  },
});

async function removeAll(request: CommandRequest, base: SessionId, confirmed: boolean): Promise<CommandResult> {
  const { deps, context, texts } = request;
  const { facts: lines } = texts.commands;
  if (context.hasButtons && !(confirmed && context.surface === 'action')) {
    const command = { name: 'facts', remove: ALL, confirmed: true };
    const action = button(request, { label: texts.buttons.removeAllFacts, style: 'danger' }, command, base);
    return answer('confirm', lines.confirmAll, { actions: [action] });
  }
  const count = await deps.facts.removeAll(base);
  return answer('done', count === 0 ? lines.none : `${lines.removedAll(count)} ${lines.mayBeRepeated}`);
}

async function remove(request: CommandRequest, base: SessionId, id: string): Promise<CommandResult> {
  const { facts: lines } = request.texts.commands;
  const removed = await request.deps.facts.remove(base, id);
  const line = removed ? `${lines.removed} ${lines.mayBeRepeated}` : lines.unknown;
  return show(request, base, 0, line);
}

/** A page of the list, below what is said first. */
async function show(request: CommandRequest, base: SessionId, from: number, first?: string): Promise<CommandResult> {
  const { deps, context, texts } = request;
  const { facts: lines } = texts.commands;
  const all = await deps.facts.list(base);
  const before = first === undefined ? [] : [first];
  if (all.length === 0) return answer('done', [...before, lines.none].join(GAP));
  // What the button pointed to may be gone meanwhile.
  const offset = from < all.length ? from : 0;
  const how = context.hasButtons ? [] : [lines.howToRemove];
  const frame = [...before, lines.title(all.length, MAX_FACTS), [lines.times, ...how].join(' ')];
  const space = maxLengthOf(context) - frame.join(GAP).length - GAP.length;
  const blocks = fillPage(request, all.slice(offset, offset + MAX_PAGE), { offset, space });
  const shown = all.slice(offset, offset + blocks.length);
  const actions = context.hasButtons ? buttonsOf(request, base, { shown, offset, total: all.length }) : [];
  const [last = '', ...rest] = frame.toReversed();
  return answer('done', [...rest.toReversed(), ...blocks, last].join(GAP), { actions });
}

function fillPage(
  { texts, context }: CommandRequest,
  listed: readonly Fact[],
  { offset, space }: { readonly offset: number; readonly space: number },
): readonly string[] {
  const { entry } = texts.commands.facts;
  const most = Math.floor(space / Math.min(listed.length, MIN_ON_A_PAGE)) - GAP.length;
  const blocks: string[] = [];
  let left = space;
  for (const [index, { id, text, saidAt, expiresAt }] of listed.entries()) {
    const named = context.hasButtons ? '' : ` · \`${id}\``;
    const head = `**${offset + index + 1}** · ${entry(saidAt, expiresAt)}${named}`;
    const block = quoteWithin(head, text, most);
    if (block.length > left) break;
    blocks.push(block);
    left -= block.length + GAP.length;
  }
  return blocks;
}

function buttonsOf(
  request: CommandRequest,
  base: SessionId,
  { shown, offset, total }: { readonly shown: readonly Fact[]; readonly offset: number; readonly total: number },
): readonly CommandAction[] {
  const { buttons } = request.texts;
  const next = offset + shown.length;
  return [
    ...shown.map(({ id, text }, index) =>
      button(
        request,
        { label: buttons.removeFact(offset + index + 1, oneLine(text)) },
        { name: 'facts', remove: id },
        base,
      ),
    ),
    ...(next < total ? [button(request, { label: buttons.moreFacts }, { name: 'facts', offset: next }, base)] : []),
    ...(offset > 0 ? [button(request, { label: buttons.firstFacts }, { name: 'facts' }, base)] : []),
    button(request, { label: buttons.removeAllFacts, style: 'danger' }, { name: 'facts', remove: ALL }, base),
  ];
}
