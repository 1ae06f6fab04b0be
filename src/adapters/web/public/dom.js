/** Elements are made here and nowhere from text: what anybody writes can only ever become text. */

/**
 * `h('a', {href, onclick, class}, 'text', element)`. Functions become listeners, true becomes an empty attribute, null,
 * undefined and false are left out.
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === 'function') element.addEventListener(name.replace(/^on/, ''), value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false));
  return element;
}

export function byId(id) {
  return document.getElementById(id);
}

/** A random name of 20 characters (120 bits): of messages, and of this tab. */
export function randomId() {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return Array.from(crypto.getRandomValues(new Uint8Array(20)), (byte) => letters[byte % 64]).join('');
}
