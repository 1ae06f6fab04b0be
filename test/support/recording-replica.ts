/** The product's own process with one platform more: the recording one. Arguments: the platform's URL, this replica's name. */
import { startApp } from '../../src/app/compose.ts';
import { runProcess } from '../../src/app/process.ts';
import { createRecordingAdapter } from './recording-adapter.ts';

const [platformUrl = '', name = ''] = process.argv.slice(2);

await runProcess((config, logger) => {
  const recording = createRecordingAdapter({ platformUrl, name, scope: config.memory.scope, log: logger });
  return startApp({ config, logger, adapters: [recording] });
});
