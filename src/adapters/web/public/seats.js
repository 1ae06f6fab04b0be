/** The people and channels to play, and who sits where in this tab. */
import { byId, h } from './dom.js';
import { load, save } from './settings.js';

const PEOPLE = ['Ada', 'Grace', '小明'];
const CHANNELS = ['general', 'random'];

export function createSeats(onChange) {
  const person = byId('person');
  const channel = byId('channel');
  const manager = byId('manager');
  const dialog = byId('add-dialog');

  function fill(select, name, values, current) {
    const known = [...new Set([...values, ...load(name, [])])];
    select.replaceChildren(...known.map((value) => h('option', { value }, name === 'channels' ? `#${value}` : value)));
    select.value = known.includes(current) ? current : known[0];
  }

  const last = load('seat', {}, sessionStorage);
  const start = { ...load('seat', {}), ...last };
  fill(person, 'people', PEOPLE, start.user);
  fill(channel, 'channels', CHANNELS, start.channel);

  const change = () => {
    const seat = { user: person.value, channel: channel.value };
    save('seat', seat, sessionStorage);
    save('seat', seat);
    onChange();
  };
  for (const control of [person, channel, manager]) control.addEventListener('change', change);

  byId('add').addEventListener('click', () => {
    byId('new-person').value = '';
    byId('new-channel').value = '';
    dialog.returnValue = '';
    dialog.showModal();
  });
  dialog.addEventListener('close', () => {
    if (dialog.returnValue !== 'add') return;
    add(person, 'people', PEOPLE, byId('new-person').value.trim());
    add(channel, 'channels', CHANNELS, byId('new-channel').value.trim().replace(/^#+/, ''));
    change();
  });

  function add(select, name, values, value) {
    if (value === '') return;
    save(name, [...new Set([...load(name, []), value])]);
    fill(select, name, values, value);
  }

  return {
    get seat() {
      return { user: person.value, channel: channel.value };
    },
    get canManage() {
      return manager.checked;
    },
  };
}
