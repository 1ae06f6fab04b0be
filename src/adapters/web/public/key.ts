/** The API key, where the bot needs one: asked for once, kept in this tab. */
import { isText, load, save } from './storage.ts';

export type Key = ReturnType<typeof createKey>;

/** `changed` is called when the dialog has to be opened or closed. */
export function createKey(changed: () => void) {
  let current = load('key', isText, '', sessionStorage);
  /** Those that wait for a key. */
  let asking: PromiseWithResolvers<void> | undefined;

  return {
    /** Empty: none was given. */
    get current() {
      return current;
    },
    get asked() {
      return asking !== undefined;
    },
    /** Resolves when there is another key than the one that was refused. All who ask at once ask together. */
    async ask(refused: string): Promise<void> {
      if (refused !== current) return;
      asking ??= Promise.withResolvers();
      changed();
      await asking.promise;
    },
    give(key: string) {
      current = key;
      save('key', key, sessionStorage);
      asking?.resolve();
      asking = undefined;
      changed();
    },
  };
}
