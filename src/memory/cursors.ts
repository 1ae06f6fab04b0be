/** Cursors are stored with leading zeros, so that their string order is their numeric order. */
import { MAX_CURSOR_DIGITS } from '../core/channels.ts';
import { BotError } from '../errors.ts';

/** @throws BotError `bad_input` for anything but up to {@link MAX_CURSOR_DIGITS} digits, which would permanently be out of order */
export function storedCursor(cursor: string): string {
  if (!/^\d{1,20}$/.test(cursor)) throw new BotError('bad_input', 'A cursor must be a whole number in digits.');
  return cursor.padStart(MAX_CURSOR_DIGITS, '0');
}

/** Undefined for a malformed cursor. */
export function readCursor(stored: string): string | undefined {
  return /^\d{1,20}$/.test(stored) ? stored.replace(/^0+(?=\d)/, '') : undefined;
}
