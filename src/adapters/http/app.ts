/** The routes of the HTTP API behind their guards: a Hono app that needs no socket. */
import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { secureHeaders } from 'hono/secure-headers';
import type { MountedRoutes } from '../mounted-routes.ts';
import { addChatRoute } from './chat.ts';
import type { HttpDeps } from './deps.ts';
import { addDocs } from './docs.ts';
import { addFactRoutes } from './fact-routes.ts';
import { bearerKey, localOnly, notProxied } from './guard.ts';
import { addMemoryRoutes } from './memory-routes.ts';
import { refusalResponse, responseTo } from './refuse.ts';
import { addServiceRoutes } from './service-routes.ts';

export interface HttpGuards {
  /** The server listens on the loopback interface: Host, Origin and Sec-Fetch-Site are checked. */
  readonly local: boolean;
  /** When set, every route but /health wants it, and what a mounted page itself consists of. */
  readonly apiKey?: string;
  /** Another adapter's pages, behind the same guards. */
  readonly mounted?: MountedRoutes;
}

/** Statuses for errors of the request itself. */
const MALFORMED = [400, 401, 403, 405, 413, 415, 422];

export function createHttpApp(deps: HttpDeps, { local, apiKey, mounted }: HttpGuards): Hono {
  const app = new Hono();

  app.onError((error, c) => {
    const response = responseTo(error);
    // What was refused on purpose (a turn that failed, above all) has been logged where it happened.
    if (response.status >= 500 && !(error instanceof HTTPException)) {
      deps.logger.error({ err: error, method: c.req.method, path: c.req.path }, 'request failed');
    }
    return response;
  });
  app.notFound((c) => refusalResponse({ status: 404, detail: `There is no ${c.req.path} here; see /docs.` }));

  app.use(
    secureHeaders({
      // A page brings a policy of its own.
      overwrite: false,
      contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
      xFrameOptions: 'DENY',
      strictTransportSecurity: false,
    }),
  );
  app.use(async (c, next) => {
    await next();
    if (MALFORMED.includes(c.res.status)) deps.refused(c.res.status);
    // Answers are one person's; no cache on the way may keep them.
    if (!c.res.headers.has('Cache-Control')) c.res.headers.set('Cache-Control', 'no-store');
  });
  if (local) app.use(localOnly());
  if (apiKey === undefined) app.use(notProxied((path) => path === '/health'));
  else app.use(bearerKey(apiKey, (path) => path === '/health' || mounted?.isOpen(path) === true));
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) => {
        const allow = methods.join(', ');
        const detail = `${c.req.path} takes ${allow}, not ${c.req.method}.`;
        return refusalResponse({ status: 405, detail, headers: { Allow: allow } });
      },
    }),
  );

  addChatRoute(app, deps);
  addMemoryRoutes(app, deps);
  addFactRoutes(app, deps);
  addServiceRoutes(app, deps);
  addDocs(app, { limits: deps.limits, withKey: apiKey !== undefined });
  if (mounted !== undefined) app.route('/', mounted.app);
  return app;
}
