/** The description of the HTTP API, made of the very schemas that check it (OpenAPI 3.1). */
import { z } from 'zod';
import { MAX_KEY_LENGTH } from './normalize.ts';
import * as schemas from './schemas.ts';

type Json = Readonly<Record<string, unknown>>;

export interface OpenApiOptions {
  readonly limits: schemas.HttpLimits;
  /** The server wants `Authorization: Bearer …`. */
  readonly withKey: boolean;
}

/** The whole document, as plain JSON. */
export function openApiDocument({ limits, withKey }: OpenApiOptions): Json {
  const user = {
    name: 'user_id',
    in: 'path',
    required: true,
    schema: jsonSchema(schemas.userId),
  };
  return {
    openapi: '3.1.0',
    info: {
      title: 'A chatbot whose memory can be trusted',
      version: '1.0.0',
      description:
        'Talk to the bot, and see and clear what it remembers of a conversation. Every error is `{"detail": "…"}`. ' +
        'Messages of one user_id are answered one after the other, in the order in which they came.',
    },
    ...(withKey ? { security: [{ bearer: [] }] } : {}),
    components: {
      schemas: components(limits),
      ...(withKey ? { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } } : {}),
    },
    paths: {
      '/chat': { post: chatOperation() },
      '/history/{user_id}': {
        get: {
          summary: 'The remembered conversation, oldest message first',
          operationId: 'getHistory',
          parameters: [user],
          responses: answers('History', 'The conversation', [404, 422, 429], withKey),
        },
        delete: {
          summary: 'Forget the conversation',
          description:
            'Messages still waiting for their answer are forgotten too; a caller that waits for one gets 410.',
          operationId: 'clearHistory',
          parameters: [
            user,
            {
              name: 'keep_facts',
              in: 'query',
              description: 'Leaves what was kept by POST /facts or /remember. Default: it is removed too.',
              schema: { type: 'boolean' },
            },
          ],
          responses: answers('Cleared', 'Forgotten', [404, 422, 429], withKey),
        },
      },
      '/facts/{user_id}': {
        get: {
          summary: 'What the bot was told to keep of this user, oldest first',
          operationId: 'getFacts',
          parameters: [user],
          responses: answers('Facts', 'The facts; none is an empty list', [422, 429], withKey),
        },
        post: {
          summary: 'Have the bot keep a fact of this user',
          description:
            'The model is shown it with every message of this user_id. It outlives the conversation and ends FACTS_TTL after it ' +
            'was said; said again, it is kept anew.',
          operationId: 'addFact',
          parameters: [user],
          requestBody: { required: true, content: { 'application/json': { schema: ref('FactRequest') } } },
          responses: {
            200: body('Fact', 'It was kept already'),
            201: body('Fact', 'Kept'),
            ...errors([400, 409, 413, 415, 422, 429, 507], withKey),
          },
        },
        delete: {
          summary: 'Remove all facts of this user',
          operationId: 'removeFacts',
          parameters: [user],
          responses: answers('FactsRemoved', 'Removed', [404, 422, 429], withKey),
        },
      },
      '/facts/{user_id}/{fact_id}': {
        delete: {
          summary: 'Remove one fact of this user',
          operationId: 'removeFact',
          parameters: [user, { name: 'fact_id', in: 'path', required: true, schema: { type: 'string' } }],
          responses: answers('FactsRemoved', 'Removed', [404, 422, 429], withKey),
        },
      },
      '/ttl/{user_id}': {
        put: {
          summary: 'Choose how long the conversation is remembered after its last turn',
          operationId: 'setTtl',
          parameters: [
            user,
            {
              name: 'new_ttl',
              in: 'query',
              required: true,
              description: 'Whole seconds. The choice outlives the conversation.',
              schema: { type: 'integer', minimum: limits.minTtl, maximum: limits.maxTtl },
            },
          ],
          responses: answers('Ttl', 'Chosen', [400, 404, 422, 429], withKey),
        },
      },
      '/stats': {
        get: {
          summary: 'Figures of the service',
          operationId: 'getStats',
          responses: answers('Stats', 'Figures', [], withKey),
        },
      },
      '/health': {
        get: {
          summary: 'Can the bot reach its memory and its platforms?',
          operationId: 'getHealth',
          security: [],
          responses: { 200: body('Health', 'It can'), 503: body('Health', 'It cannot') },
        },
      },
      '/metrics': {
        get: {
          summary: 'Metrics for Prometheus',
          operationId: 'getMetrics',
          responses: {
            200: { description: 'Text format 0.0.4', content: { 'text/plain': { schema: { type: 'string' } } } },
            ...errors([], withKey),
          },
        },
      },
    },
  };

  function chatOperation(): Json {
    return {
      summary: 'Send a message and get the answer',
      description:
        'The message is stored before anything else happens: 503 and 507 mean that it was not, and once it is, it will be ' +
        'answered and the answer will be in the history, even if the connection is lost. After a 503, or when the ' +
        'connection was lost, send it again with the same Idempotency-Key and it is never answered twice.\n\n' +
        'A whole message that is a memory command (`/history export`, `!ttl 600`; `/help` names them all) is run at once ' +
        'instead, also while others wait for their answers. It is answered in the language of Accept-Language (English ' +
        'or Chinese) and neither stored nor shown to the model; its `ttl` and Idempotency-Key do nothing.',
      operationId: 'chat',
      parameters: [
        {
          name: 'Idempotency-Key',
          in: 'header',
          description:
            'Names this message among those of its user_id for 24 hours: sent again, it gets the first answer; with ' +
            'another body, 422.',
          schema: { type: 'string', minLength: 1, maxLength: MAX_KEY_LENGTH },
        },
        {
          name: 'Accept-Language',
          in: 'header',
          description: 'Language of the bot’s own messages: English, or Simplified Chinese if preferred.',
          schema: { type: 'string' },
        },
      ],
      requestBody: { required: true, content: { 'application/json': { schema: ref('ChatRequest') } } },
      responses: {
        200: {
          description: 'The answer; as `text/event-stream` when the Accept header asks for it',
          content: {
            'application/json': { schema: ref('ChatResponse') },
            'text/event-stream': { schema: { type: 'string', description: describeEvents() } },
          },
        },
        202: body('Pending', 'Stored; the answer takes longer and will be in the history'),
        ...errors([400, 410, 413, 415, 422, 429, 502, 504, 507], withKey),
      },
    };
  }
}

/** What an error means, wherever it comes from. */
const ERRORS: Readonly<Record<number, string>> = {
  400: 'Not JSON, or a TTL that is not a whole number of seconds within the bounds',
  401: 'The API key is missing or wrong',
  403: 'A web page of another origin, another host name than localhost, or a proxy in front of a bot without API_KEY',
  404: 'Nothing is remembered of this user_id, or nothing of that id',
  409: 'As many facts are kept of this user_id as can be',
  410: 'Forgotten before it was answered, or before the answer was fetched again',
  413: 'The body is too large, or its attachments together are',
  415: 'The body is not declared as application/json',
  422: 'A field is missing, of the wrong type, too long, or not well-formed Unicode; or an Idempotency-Key used otherwise',
  429: 'Too many messages, requests for this memory, or messages waiting; Retry-After says when to go on',
  500: 'Internal error',
  502: 'The model could not answer',
  503: 'The memory store or the model is not available, too many files are being received, or the bot is shutting down; see Retry-After',
  504: 'The model took too long',
  507: 'The memory store is full',
};

function errors(statuses: readonly number[], withKey: boolean): Json {
  const all = [...statuses, ...(withKey ? [401] : []), 403, 500, 503].sort((one, other) => one - other);
  return Object.fromEntries(all.map((status) => [status, body('Error', ERRORS[status] ?? 'Error')]));
}

function answers(name: string, description: string, statuses: readonly number[], withKey: boolean): Json {
  return { 200: body(name, description), ...errors(statuses, withKey) };
}

function body(name: string, description: string): Json {
  return { description, content: { 'application/json': { schema: ref(name) } } };
}

function ref(name: string): Json {
  return { $ref: `#/components/schemas/${name}` };
}

function components(limits: schemas.HttpLimits): Json {
  const events = Object.entries(schemas.streamEvents).map(([name, schema]) => [eventName(name), jsonSchema(schema)]);
  return {
    ChatRequest: jsonSchema(schemas.chatRequestSchema(limits)),
    ChatResponse: jsonSchema(schemas.chatResponse),
    Pending: jsonSchema(schemas.pendingResponse),
    History: jsonSchema(schemas.historyResponse),
    FactRequest: jsonSchema(schemas.factRequest),
    Fact: jsonSchema(schemas.factResponse),
    Facts: jsonSchema(schemas.factsResponse),
    FactsRemoved: jsonSchema(schemas.factsRemovedResponse),
    Cleared: jsonSchema(schemas.clearedResponse),
    Ttl: jsonSchema(schemas.ttlResponse),
    Stats: jsonSchema(schemas.statsResponse),
    Health: jsonSchema(schemas.healthResponse),
    Error: jsonSchema(schemas.errorResponse),
    ...Object.fromEntries(events),
  };
}

function eventName(event: string): string {
  return `Event_${event}`;
}

function describeEvents(): string {
  const lines = Object.entries(schemas.streamEvents).map(
    ([name, { description }]) => `- \`${name}\`: ${description} Data: \`#/components/schemas/${eventName(name)}\``,
  );
  return [
    'Server-sent events; the data of each is JSON. First `turn` (but for a command), then any number of `delta` and `reset`, last one of ' +
      '`done`, `pending` and `error`. Comments keep the connection open while nothing is said.',
    ...lines,
  ].join('\n');
}

function jsonSchema(schema: z.ZodType): Json {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input' });
  return rest;
}
