/** `npm start`. */
import { startApp } from './app/compose.ts';
import { runProcess } from './app/process.ts';

await runProcess((config, logger) => startApp({ config, logger }));
