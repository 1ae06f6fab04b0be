/** An OpenAI-compatible server that takes no time: the whole stream of one and the same answer leaves in one write. */
import { createServer } from 'node:http';
import { PIECES } from './answer.ts';
import { tellReady } from './settings.ts';

function event(delta: object, finishReason: string | null): string {
  const choices = [{ index: 0, delta, finish_reason: finishReason }];
  const chunk = { id: 'chatcmpl-bench', object: 'chat.completion.chunk', created: 1, model: 'bench', choices };
  return `data: ${JSON.stringify(chunk)}\n\n`;
}

const pieces = PIECES.map((content, index) => event(index === 0 ? { role: 'assistant', content } : { content }, null));
const stream = Buffer.from(`${pieces.join('')}${event({}, 'stop')}data: [DONE]\n\n`);

const server = createServer((request, response) => {
  request.resume();
  request.once('end', () => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'content-length': stream.length });
    response.end(stream);
  });
});
// Whoever calls again after a pause of the benchmark finds the connection open.
server.keepAliveTimeout = 0;
server.listen(0, '127.0.0.1', () => tellReady(server.address()));
