/** How the Web API methods of the fake Slack are described: scopes, tiers, and arguments, none of which may be unknown. */
import { z } from 'zod';
import { ApiError } from './block-rules.ts';
import type { FakeMessage, Workspace } from './workspace.ts';

export interface MethodContext {
  readonly workspace: Workspace;
  /** Where the fake listens, `http://127.0.0.1:<port>`. */
  readonly url: string;
  /** Milliseconds after which a stream is dead. */
  readonly streamLifetimeMs: () => number;
  /** Uploads that were announced and not completed yet. */
  readonly uploads: Map<string, { readonly name: string; content: string | undefined }>;
  readonly openConnection: () => string;
  /** The bot wrote, changed or deleted a message. */
  readonly wrote: (kind: 'posted' | 'changed' | 'deleted', message: FakeMessage) => void;
}

export interface Method {
  /** Any of these is enough; none needed where there are none. */
  readonly scopes: readonly string[];
  readonly token: 'bot' | 'app';
  readonly perMinute: number;
  readonly run: (args: unknown, context: MethodContext) => object;
}

export const TIER_2 = 20;
export const TIER_3 = 50;
export const TIER_4 = 100;

/** A field that is JSON within the form. */
export const json = <Schema extends z.ZodType>(schema: Schema) =>
  z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        context.addIssue('not JSON');
        return z.NEVER;
      }
    })
    .pipe(schema);

export const ts = z.string().regex(/^\d{10}\.\d{6}$/);
export const channel = z.string().regex(/^[CDG][A-Z0-9]+$/);
export const flag = z.enum(['true', 'false']).transform((text) => text === 'true');
export const metadata = json(
  z.strictObject({ event_type: z.string().min(1), event_payload: z.record(z.string(), z.unknown()) }),
);

export function define<Args extends z.ZodRawShape>(
  options: Omit<Method, 'run' | 'token'> & { readonly token?: 'app' },
  shape: Args,
  run: (args: z.infer<z.ZodObject<Args>>, context: MethodContext) => object,
): Method {
  const schema = z.strictObject(shape);
  return {
    token: 'bot',
    ...options,
    run(args, context) {
      const parsed = schema.safeParse(args);
      if (!parsed.success) throw new ApiError(`invalid_arguments: ${z.prettifyError(parsed.error)}`);
      return run(parsed.data, context);
    },
  };
}

/** What chat.* needs. */
export const CHAT = { scopes: ['chat:write'] };

/** The thread must be there, and named by its root. */
export function checkThread({ workspace }: MethodContext, at: string, thread: string | undefined): void {
  if (thread === undefined) return;
  const root = workspace.find(at, thread);
  if (root === undefined) throw new ApiError('thread_not_found');
  if (root.thread !== undefined) throw new ApiError('invalid_thread_ts');
}
