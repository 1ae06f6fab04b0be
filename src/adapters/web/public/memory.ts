/** What is in the store of the conversation on the page. */
import type { MemoryAnswer } from '../schemas.ts';

/** `read` asks the bot; `changed` is called when there is something else to be shown. */
export function createMemory(read: () => Promise<MemoryAnswer>, changed: () => void) {
  let latest: { readonly read: MemoryAnswer; readonly at: number } | undefined;
  let loading = false;
  let again = false;
  /** Rises with each conversation: what was asked for before belongs to another one. */
  let visit = 0;

  async function refresh(): Promise<void> {
    if (loading) {
      again = true;
      return;
    }
    loading = true;
    const asked = visit;
    // If it fails, the feed says that the bot or its store is away, and asks for this again when it is back.
    const answer = await read().catch(() => undefined);
    loading = false;
    if (answer !== undefined && asked === visit) {
      latest = { read: answer, at: performance.now() };
      changed();
    }
    if (again) {
      again = false;
      await refresh();
    }
  }

  return {
    /** As it was last read; undefined until then. */
    get latest() {
      return latest?.read;
    },
    /** Milliseconds until all of it is forgotten, as of now; undefined where nothing is remembered. */
    get remaining() {
      const ms = latest?.read.ttl.expires_in_ms ?? undefined;
      return latest === undefined || ms === undefined ? undefined : ms - (performance.now() - latest.at);
    },
    refresh,
    /** For another conversation: what was read of the last one is wrong for it. */
    reset() {
      visit += 1;
      latest = undefined;
      void refresh();
    },
  };
}
