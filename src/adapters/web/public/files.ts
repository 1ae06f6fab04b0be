/**
 * The files that this page holds: those of the message that is being written, and the newest of the messages that were sent. They are in
 * memory only, never in the browser's storage, so that a reload forgets them. The bot keeps no contents either; that is why the newest files of
 * a conversation are sent again with its next message.
 */
import { randomId } from './outbox.ts';
import type { Texts } from './texts.ts';

/** Files of one conversation that are sent again, at most. */
const SENT_AGAIN = 4;

/** Shown as images; the page draws nothing else that people attach. */
const IMAGES = ['image/png', 'image/jpeg', 'image/webp', 'image/gif'];

export interface PageFile {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  /** Bytes. */
  readonly size: number;
  /** Base64. */
  readonly data: string;
  /** Of its thumbnail, until the file is dropped. */
  readonly url: string | undefined;
}

export interface FileLimits {
  readonly count: number;
  /** Of all files of a message. */
  readonly bytes: number;
}

export type FileProblem = (texts: Texts) => string;

interface Held {
  readonly file: PageFile;
  /** Where it was sent, and with which message; undefined: it is attached to the one that is being written. */
  readonly sent: { readonly place: string; turn: string } | undefined;
}

export function createFiles(changed: () => void) {
  /** Oldest first. */
  let held: readonly Held[] = [];
  /** All files of a message, those that were sent again too, by turn. */
  const payloads = new Map<string, { readonly place: string; readonly ids: readonly string[] }>();

  function keep(wanted: (each: Held) => boolean): void {
    for (const { file } of held.filter((each) => !wanted(each))) {
      if (file.url !== undefined) URL.revokeObjectURL(file.url);
    }
    held = held.filter(wanted);
  }

  const draft = () => held.filter(({ sent }) => sent === undefined).map(({ file }) => file);

  function newest(place: string, { count, bytes }: FileLimits): PageFile[] {
    const chosen: PageFile[] = [];
    let room = bytes;
    for (const { file } of held.filter(({ sent }) => sent?.place === place).toReversed()) {
      if (chosen.length >= count || file.size > room) break;
      chosen.unshift(file);
      room -= file.size;
    }
    return chosen;
  }

  function again(place: string, { count, bytes }: FileLimits): PageFile[] {
    const attached = draft();
    const left = { count: Math.min(SENT_AGAIN, count) - attached.length, bytes: bytes - sizeOf(attached) };
    return newest(place, left);
  }

  return {
    draft,
    /** Those that go along with the next message to this place. */
    again,
    /** Attaches files to the message that is being written. Gives what is wrong, if anything: then none is attached. */
    async attach(given: readonly File[], { count, bytes }: FileLimits): Promise<FileProblem | undefined> {
      const tooMany = () => draft().length + given.length > count;
      const tooLarge = () => sizeOf(draft()) + sizeOf(given) > bytes;
      if (tooMany()) return (texts) => texts.tooManyFiles(count);
      if (tooLarge()) return (texts) => texts.filesTooLarge(bytes);
      const empty = given.find(({ size }) => size === 0);
      if (empty !== undefined) return (texts) => texts.fileUnreadable(empty.name);
      const read: Held[] = [];
      for (const file of given) {
        const data = await base64Of(file).catch(() => undefined);
        if (data === undefined) return (texts) => texts.fileUnreadable(file.name);
        const { name, type, size } = file;
        read.push({
          file: { id: randomId(), name: name || 'file', type, size, data, url: undefined },
          sent: undefined,
        });
      }
      // Others may have been attached meanwhile.
      if (tooMany()) return (texts) => texts.tooManyFiles(count);
      if (tooLarge()) return (texts) => texts.filesTooLarge(bytes);
      const withUrls = read.map((each, index): Held => {
        const file = given[index];
        if (file === undefined || !IMAGES.includes(file.type)) return each;
        return { ...each, file: { ...each.file, url: URL.createObjectURL(file) } };
      });
      held = [...held, ...withUrls];
      changed();
      return undefined;
    },
    /** Drops one file, whether it is attached or was sent. */
    remove(id: string): void {
      keep(({ file }) => file.id !== id);
      changed();
    },
    /** Makes the attached files, and those to be sent again, the files of this message. Gives their names. */
    send(turn: string, place: string, limits: FileLimits): string[] {
      const files = [...draft(), ...again(place, limits)];
      if (files.length === 0) return [];
      payloads.set(turn, { place, ids: files.map(({ id }) => id) });
      held = held.map((each) => (each.sent === undefined ? { file: each.file, sent: { place, turn } } : each));
      return files.map(({ name }) => name);
    },
    /** The files of this message that the page still has; undefined: it knows of none. */
    of(turn: string): PageFile[] | undefined {
      const payload = payloads.get(turn);
      return payload && held.filter(({ file }) => payload.ids.includes(file.id)).map(({ file }) => file);
    },
    /** The message is sent as another one. */
    rename(turn: string, to: string): void {
      const payload = payloads.get(turn);
      if (payload === undefined) return;
      payloads.delete(turn);
      payloads.set(to, payload);
      for (const { sent } of held) if (sent?.turn === turn) sent.turn = to;
    },
    /** The message was none for the model: its files are attached to the next one. */
    giveBack(turn: string): void {
      payloads.delete(turn);
      held = held.map((each) => (each.sent?.turn === turn ? { file: each.file, sent: undefined } : each));
    },
    /** Drops the files of messages to this place that are not among these (they were forgotten), and those that are too old to be sent again. */
    keepOnly(place: string, turns: ReadonlySet<string>, unsent: ReadonlySet<string>, { bytes }: FileLimits): void {
      for (const [turn, payload] of [...payloads]) {
        if (payload.place === place && !turns.has(turn)) payloads.delete(turn);
      }
      keep(({ sent }) => sent?.place !== place || turns.has(sent.turn));
      const needed = new Set(newest(place, { count: SENT_AGAIN, bytes }).map(({ id }) => id));
      for (const turn of unsent) for (const id of payloads.get(turn)?.ids ?? []) needed.add(id);
      keep(({ file, sent }) => sent?.place !== place || needed.has(file.id));
    },
    /** The message was deleted. */
    drop(turn: string): void {
      payloads.delete(turn);
      keep(({ sent }) => sent?.turn !== turn);
      changed();
    },
  };
}

function sizeOf(files: readonly { readonly size: number }[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}

/** @throws when the file cannot be read: it was changed or removed since it was chosen, or is a folder. */
function base64Of(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => {
      const url = typeof reader.result === 'string' ? reader.result : '';
      resolve(url.slice(url.indexOf(',') + 1));
    };
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}
