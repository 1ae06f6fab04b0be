/** What is chosen and shown on the page, apart from the conversations. */
import type { Seat, SetupAnswer } from '../schemas.ts';
import { hasTexts, isListOf, isText, load, save } from './storage.ts';
import type { Locale } from './texts.ts';

export const THEMES = ['auto', 'light', 'dark'] as const;
export const VIEWS = ['chat', 'memory', 'overview'] as const;
export const LOCALES = ['en', 'zh-CN'] as const;

export type View = (typeof VIEWS)[number];
export type Place = Pick<Seat, 'user' | 'channel'>;
type PlaceKind = 'people' | 'channels';

export interface State {
  readonly locale: Locale;
  readonly theme: (typeof THEMES)[number];
  readonly view: View;
  /** Who the person in front of the page plays, and where. */
  readonly place: Place;
  readonly people: readonly string[];
  readonly channels: readonly string[];
  readonly canManage: boolean;
  readonly setup: SetupAnswer | undefined;
  readonly connected: boolean;
  /** Why nothing can be shown at the moment; empty when all is well. */
  readonly trouble: string;
  /** For screen readers: what has just happened. */
  readonly spoken: string;
  /** Rises when the end of the conversation has to be brought into view. */
  readonly jumps: number;
}

const KNOWN: Readonly<Record<PlaceKind, readonly string[]>> = {
  people: ['Ada', 'Grace', '小明'],
  channels: ['general', 'random'],
};

const isNames = isListOf(isText);
const isPlace = (value: unknown): value is Place => hasTexts(value, 'user', 'channel');

/** Whether it is one of these. */
function oneOf<T extends string>(choices: readonly T[]): (value: unknown) => value is T {
  return (value): value is T => choices.some((choice) => choice === value);
}

/** Those that everybody has, and those that were added in this browser. */
export function namesOf(kind: PlaceKind): string[] {
  return [...new Set([...KNOWN[kind], ...load(kind, isNames, [])])];
}

export function addName(kind: PlaceKind, name: string): void {
  if (name !== '') save(kind, [...new Set([...load(kind, isNames, []), name])]);
}

/** Of the part of the address behind `#`. */
export function viewOf(hash: string): View {
  return VIEWS.find((view) => view === hash.slice(1)) ?? 'chat';
}

/** As this browser has kept it, where it has. */
export function firstState(): State {
  const preferred = navigator.languages.find((tag) => /^(en|zh)\b/i.test(tag)) ?? 'en';
  const [people, channels] = [namesOf('people'), namesOf('channels')];
  const last = load('seat', isPlace, load('seat', isPlace, { user: '', channel: '' }), sessionStorage);
  return {
    locale: load('locale', oneOf(LOCALES), /^zh/i.test(preferred) ? 'zh-CN' : 'en'),
    theme: load('theme', oneOf(THEMES), 'auto'),
    view: viewOf(location.hash),
    place: {
      user: people.find((name) => name === last.user) ?? people[0] ?? '',
      channel: channels.find((name) => name === last.channel) ?? channels[0] ?? '',
    },
    people,
    channels,
    canManage: false,
    setup: undefined,
    connected: false,
    trouble: '',
    spoken: '',
    jumps: 0,
  };
}
