/** Deletes a message and the answer to it from memory; asks first. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Props } from './playground.ts';

export function DeleteTurn({ playground, turn }: Props & { readonly turn: string }) {
  const { texts } = playground;
  const [isAsked, ask] = useState(false);
  const [isGoing, go] = useState(false);
  const yes = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (isAsked) yes.current?.focus();
  }, [isAsked]);

  async function remove(): Promise<void> {
    go(true);
    await playground.deleteTurn(turn);
    go(false);
    ask(false);
    // The button that was pressed goes, and the focus with it.
    document.getElementById('log')?.focus();
  }

  if (!isAsked) {
    return (
      <button type="button" class="delete" onClick={() => ask(true)}>
        {texts.deleteTurn}
      </button>
    );
  }
  return (
    <div class="row">
      <p class="hint">{texts.deleteAsked}</p>
      <button ref={yes} type="button" class="danger" disabled={isGoing} onClick={() => void remove()}>
        {texts.deleteNow}
      </button>
      <button type="button" onClick={() => ask(false)}>
        {texts.cancel}
      </button>
    </div>
  );
}
