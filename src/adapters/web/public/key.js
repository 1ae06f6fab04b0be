/** The API key, where the bot wants one: asked for once, kept in this tab. */
import { byId } from './dom.js';
import { load, save } from './settings.js';

export function createKey() {
  const dialog = byId('key-dialog');
  const field = byId('key');
  let key = load('key', '', sessionStorage);
  let asking;

  // Nothing works without it.
  dialog.addEventListener('cancel', (event) => event.preventDefault());

  return {
    headers: () => (key === '' ? {} : { Authorization: `Bearer ${key}` }),
    /** Resolves when there is another key than `refused`, the headers that were sent. All who ask at once ask together. */
    ask(refused) {
      if ((refused.Authorization ?? '') !== (key === '' ? '' : `Bearer ${key}`)) return Promise.resolve();
      asking ??= new Promise((resolve) => {
        byId('key-wrong').hidden = key === '';
        field.value = '';
        dialog.showModal();
        dialog.addEventListener(
          'close',
          () => {
            key = field.value.trim();
            save('key', key, sessionStorage);
            asking = undefined;
            resolve();
          },
          { once: true },
        );
      });
      return asking;
    },
  };
}
