/** A TCP proxy in front of a server that can lose what is sent through it, as a network does at the worst moment. */
import type { Socket } from 'node:net';
import { startProxy, type TcpProxy } from './tcp-proxy.ts';

export interface CutProxy extends TcpProxy {
  /**
   * From now on requests still reach the server, and its first answer is thrown away and the connection cut. Resolves when
   * that has happened; connections made afterwards work.
   */
  cutNextAnswer(): Promise<void>;
  /**
   * Cuts the connection over which the next request comes that has this in it, before or after the server got it; the answer
   * is lost in any case. Resolves when that has happened; other connections work on.
   */
  cutAt(containing: string, when: 'before' | 'after'): Promise<void>;
  /**
   * Passes nothing on any more, in either direction, over the connection over which the next request comes that has this in it. Resolves
   * when that has happened; other connections work on.
   */
  muteAt(containing: string): Promise<void>;
  /** Cuts all connections; new ones work. */
  cutAll(): void;
}

/** Listens on a free loopback port and passes everything on to `target`, a port of 127.0.0.1. */
export async function startCutProxy(target: number): Promise<CutProxy> {
  let onAnswer: (() => void) | undefined;
  let onRequest:
    | { readonly containing: string; readonly when: 'before' | 'after' | 'never'; readonly done: () => void }
    | undefined;
  const clients = new Set<Socket>();
  const proxy = await startProxy(target, (client, upstream) => {
    let done: (() => void) | undefined;
    let muted = false;
    clients.add(client);
    client.on('close', () => clients.delete(client));
    const cut = () => {
      client.destroy();
      done?.();
    };
    client.on('data', (data) => {
      if (muted) return;
      if (onRequest !== undefined && data.includes(onRequest.containing)) {
        const { when } = onRequest;
        done = onRequest.done;
        onRequest = undefined;
        if (when === 'never') {
          muted = true;
          return done();
        }
        if (when === 'before') return cut();
      }
      upstream.write(data);
    });
    upstream.on('data', (data) => {
      if (muted) return;
      if (onAnswer !== undefined) {
        done = onAnswer;
        onAnswer = undefined;
      }
      if (done === undefined) client.write(data);
      else cut();
    });
  });
  return {
    ...proxy,
    cutNextAnswer: () =>
      new Promise((resolve) => {
        onAnswer = resolve;
      }),
    cutAt: (containing, when) =>
      new Promise((done) => {
        onRequest = { containing, when, done };
      }),
    muteAt: (containing) =>
      new Promise((done) => {
        onRequest = { containing, when: 'never', done };
      }),
    cutAll() {
      for (const client of clients) client.destroy();
    },
  };
}
