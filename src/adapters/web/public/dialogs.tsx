/** What is asked in a dialog: the API key, and the names of further people and channels. */
import type { TargetedSubmitEvent } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Props } from './playground.ts';

/** Opens by itself when the bot wants a key, and stays: nothing works without it. */
export function KeyDialog({ playground }: Props) {
  const { key, texts } = playground;
  const dialog = useRef<HTMLDialogElement>(null);
  const isAsked = key.asked;
  useEffect(() => {
    if (isAsked) dialog.current?.showModal();
    else dialog.current?.close();
  }, [isAsked]);
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = fieldOf(event.currentTarget, 'key');
    event.currentTarget.reset();
    key.give(given);
  };
  return (
    <dialog
      ref={dialog}
      aria-labelledby="key-title"
      onCancel={(event) => event.preventDefault()}
      // A browser closes it on repeated requests.
      onClose={({ currentTarget }) => key.asked && !currentTarget.open && currentTarget.showModal()}
    >
      <form method="dialog" onSubmit={submit}>
        <h2 id="key-title">{texts.keyTitle}</h2>
        <p>{texts.keyHint}</p>
        <label>
          {texts.key} <input id="key" name="key" type="password" autocomplete="off" required />
        </label>
        {key.current !== '' && (
          <p class="notice" id="key-wrong" role="alert">
            {texts.keyWrong}
          </p>
        )}
        <p class="row">
          <button type="submit" class="primary">
            {texts.keySend}
          </button>
        </p>
      </form>
    </dialog>
  );
}

/** With the button that opens it. */
export function AddDialog({ playground }: Props) {
  const { texts } = playground;
  const dialog = useRef<HTMLDialogElement>(null);
  const submit = ({ currentTarget: form }: TargetedSubmitEvent<HTMLFormElement>) => {
    playground.addPlace({ user: fieldOf(form, 'person'), channel: fieldOf(form, 'channel').replace(/^#+/, '') });
  };
  return (
    <>
      <button type="button" id="add" class="quiet" onClick={() => dialog.current?.showModal()}>
        {texts.add}
      </button>
      <dialog
        ref={dialog}
        aria-labelledby="add-title"
        onClose={({ currentTarget }) => currentTarget.querySelector('form')?.reset()}
      >
        <form method="dialog" onSubmit={submit}>
          <h2 id="add-title">{texts.addTitle}</h2>
          <label>
            {texts.newPerson} <input id="new-person" name="person" maxlength={40} autocomplete="off" />
          </label>
          <label>
            {texts.newChannel} <input id="new-channel" name="channel" maxlength={40} autocomplete="off" />
          </label>
          <p class="row">
            <button type="submit" class="primary">
              {texts.addNow}
            </button>
            <button type="button" onClick={() => dialog.current?.close()}>
              {texts.cancel}
            </button>
          </p>
        </form>
      </dialog>
    </>
  );
}

function fieldOf(form: HTMLFormElement, name: string): string {
  const value = new FormData(form).get(name);
  return typeof value === 'string' ? value.trim() : '';
}
