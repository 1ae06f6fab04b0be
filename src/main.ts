/** `npm start`. */
import { startApp } from './app.ts';
import { runProcess } from './process.ts';

await runProcess((config, logger) => startApp({ config, logger }));
