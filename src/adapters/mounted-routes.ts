/** Pages that one adapter brings to the HTTP server of another: same host and port, same guards. */
import type { Hono } from 'hono';

export interface MountedRoutes {
  readonly app: Hono;
  /** Paths that want no API key: what a browser has to fetch before anybody can enter one. Nothing of anybody is there. */
  readonly isOpen: (path: string) => boolean;
}
