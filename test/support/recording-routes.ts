/** The routes of the recording platform: what a request asks for, and how to do it. */
import { z } from 'zod';
import type { Deliveries } from './recording-deliveries.ts';
import type { Route } from './recording-faults.ts';
import type { Messages } from './recording-messages.ts';
import {
  answerSchema,
  editSchema,
  type PrivateAnswer,
  postSchema,
  replicaSchema,
  thinkSchema,
} from './recording-protocol.ts';

/** A request, understood but not done yet. */
export interface Task {
  /** `other`: between the platform and its replicas, without faults. */
  readonly route: Route | 'other';
  readonly trigger?: string | undefined;
  readonly part?: number | undefined;
  readonly text?: string | undefined;
  readonly run: () => { readonly status: number; readonly body: object; readonly id?: string };
}

export interface RoutesDeps {
  readonly messages: Messages;
  readonly deliveries: Deliveries;
  /** Until when (Unix milliseconds) the sign of thinking is shown, by trigger. */
  readonly thinkingUntil: Map<string, number>;
  /** Where answers for one person alone are put. */
  readonly answers: PrivateAnswer[];
  /** The texts of files, by the id of their message. */
  readonly files: ReadonlyMap<string, string>;
  readonly nonces: boolean;
}

export interface Request {
  readonly method: string;
  readonly url: URL;
  readonly replica: string;
  readonly body: unknown;
}

/** How long the platform shows the sign of thinking, unless it is taken away: Discord's typing. */
const THINKING_MS = 10_000;

/** Undefined: there is no such route. @throws what zod throws for a request that is not as it must be. */
export type Understand = (request: Request) => Task | undefined;

export function createRoutes({ messages, deliveries, thinkingUntil, answers, files, nonces }: RoutesDeps): Understand {
  const missing = { status: 404, body: { error: 'There is no such message.' } };

  return ({ method, url, replica, body }) => {
    const [, root, id] = url.pathname.split('/');
    switch (`${method} ${root}${id === undefined ? '' : '/:id'}`) {
      case 'POST messages': {
        const post = postSchema.parse(body);
        const { trigger, part, text, nonce } = post;
        const run = () => {
          const fresh = {
            ...post,
            notice: post.notice ?? false,
            actions: post.actions ?? [],
            nonce: nonces ? nonce : undefined,
            by: replica,
          };
          const { message, known } = messages.post(fresh);
          if (!message.notice) thinkingUntil.delete(trigger);
          return { status: known ? 200 : 201, body: { id: message.id }, id: message.id };
        };
        return { route: 'post', trigger, part, text, run };
      }
      case 'PATCH messages/:id': {
        const { text } = editSchema.parse(body);
        const message = messages.get(id ?? '');
        const run = () => {
          if (message === undefined || message.deleted) return missing;
          Object.assign(message, { text, by: replica, changedAt: Date.now() });
          return { status: 200, body: {}, id: message.id };
        };
        return { route: 'edit', trigger: message?.trigger, part: message?.part, text, run };
      }
      case 'DELETE messages/:id': {
        const message = messages.get(id ?? '');
        const run = () => {
          if (message === undefined || message.deleted) return missing;
          message.deleted = true;
          return { status: 200, body: {}, id: message.id };
        };
        return { route: 'remove', trigger: message?.trigger, part: message?.part, run };
      }
      case 'GET messages': {
        const trigger = z.string().min(1).parse(url.searchParams.get('trigger'));
        const part = z.coerce.number().int().min(1).parse(url.searchParams.get('part'));
        const found = () => messages.visible(trigger).filter((message) => message.part === part);
        const run = () => ({ status: 200, body: { messages: found().map((message) => ({ id: message.id })) } });
        return { route: 'find', trigger, part, run };
      }
      case 'GET files/:id': {
        const text = files.get(decodeURIComponent(id ?? ''));
        const run = () => (text === undefined ? missing : { status: 200, body: { text } });
        return { route: 'other', run };
      }
      case 'POST thinking':
      case 'DELETE thinking': {
        const { trigger } = thinkSchema.parse(body);
        const run = () => {
          if (method === 'POST') thinkingUntil.set(trigger, Date.now() + THINKING_MS);
          else thinkingUntil.delete(trigger);
          return { status: 204, body: {} };
        };
        return { route: 'think', trigger, run };
      }
      case 'POST answers': {
        const answer = answerSchema.parse(body);
        const run = () => {
          answers.push(answer);
          return { status: 201, body: {} };
        };
        return { route: 'answer', trigger: answer.trigger, text: answer.text, run };
      }
      case 'POST replicas': {
        const { name, url: address } = replicaSchema.parse(body);
        const run = () => {
          deliveries.register(name, address);
          return { status: 200, body: {} };
        };
        return { route: 'other', run };
      }
      case 'DELETE replicas/:id': {
        const run = () => {
          deliveries.deregister(decodeURIComponent(id ?? ''));
          return { status: 200, body: {} };
        };
        return { route: 'other', run };
      }
      default:
        return undefined;
    }
  };
}
