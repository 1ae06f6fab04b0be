/** The page's script: starts it, and draws it whenever something has changed. */
import { render } from 'preact';
import { App } from './app.tsx';
import { createPlayground } from './playground.ts';

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no element with the id root.');

let planned = false;
const playground = createPlayground(() => {
  // Several changes in one go are one picture.
  if (!planned) queueMicrotask(draw);
  planned = true;
});

function draw(): void {
  planned = false;
  if (root !== null) render(<App playground={playground} />, root);
}

playground.start();
draw();
document.getElementById('message')?.focus();
