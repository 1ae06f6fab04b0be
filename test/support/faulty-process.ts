/**
 * A process of the product with nothing in it but a fault: `faulty-process.ts <kind>`. It is thrown by nobody's fault, some time
 * after the start, with what people said and a secret hung everywhere.
 */
import { runProcess } from '../../src/app/process.ts';

const SAID = 'my diagnosis is confidential';
const SECRET = 'a-very-secret-token';

function laden(name: string): Error {
  const error = Object.assign(
    new Error(`ERR unknown command 'X', with args beginning with: '${SAID}' ${SECRET}\n    at ${SAID}`),
    {
      command: { name: 'set', args: [SAID, SECRET] },
      previousErrors: [new Error(SAID)],
      reply: SAID,
      token: SECRET,
      code: `${SAID} ${SECRET}`,
    },
  );
  error.name = name;
  return error;
}

const FAULTS: Readonly<Record<string, () => unknown>> = {
  thrown: () => {
    throw new Error(SAID, { cause: Object.assign(laden('ReplyError'), { cause: laden(SAID) }) });
  },
  rejected: () => Promise.reject(laden('ReplyError')),
  together: () => Promise.reject(new AggregateError([laden('ReplyError'), SAID], SECRET)),
  text: () => Promise.reject(`${SAID} ${SECRET}`),
  data: () => Promise.reject({ text: SAID, said: SAID, secret: SECRET }),
  nothing: () => Promise.reject(null),
  hostile: () =>
    Promise.reject(
      Object.defineProperty(new Error('x'), 'stack', {
        get() {
          throw new Error(SAID);
        },
      }),
    ),
};

const fault = FAULTS[process.argv[2] ?? ''];
if (fault === undefined) throw new Error('Which fault?');
await runProcess(async () => {
  if (process.argv[3] === 'starting') await fault();
  setTimeout(fault, 50);
  // Something that keeps the process alive, as a server would.
  const alive = setInterval(() => {}, 1_000);
  return { banner: ['started'], stop: async () => clearInterval(alive) };
});
