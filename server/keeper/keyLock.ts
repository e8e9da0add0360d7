import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { err, type Fault, fault, ok, type Result } from '../../src/core/result.ts';

/** Held by one process of this machine, whatever becomes of it: the system lets go when the process is gone. */
export type KeyLock = { release(): Promise<void> };

/**
 * A key that runs twice contradicts itself sooner or later, which is proof against it. Named by the key and not by its file, so a
 * copy of the file is the same key. Doesn't see other machines: there the others' records of what the key said are the guard.
 */
export const lockKey = async (
  publicKey: Uint8Array,
  name: string,
): Promise<Result<KeyLock, Fault<'key-runs'>>> => {
  const address = addressOf(publicKey);
  const server = createServer((socket) => socket.destroy());
  server.unref();
  for (const isLast of [false, true]) {
    if (await listens(server, address)) return ok({ release: () => release(server) });
    if (isLast || (await answers(address))) break;
    await rm(address, { force: true }); // of a process that is gone
  }
  return err(
    fault(
      'key-runs',
      `the key of ${name} runs in another process of this machine: stop that one first. One key in two places contradicts itself, and loses its seat for it`,
    ),
  );
};

/** Linux and Windows have names that no file is left of. */
const addressOf = (publicKey: Uint8Array): string => {
  const name = `aivillage-keeper-${createHash('sha256').update(publicKey).digest('hex').slice(0, 32)}`;
  if (process.platform === 'linux') return `\0${name}`;
  return process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : join(tmpdir(), name);
};

const listens = (server: Server, address: string): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const failed = (cause: NodeJS.ErrnoException) =>
      cause.code === 'EADDRINUSE' ? resolve(false) : reject(cause);
    server.once('error', failed);
    server.listen(address, () => {
      server.off('error', failed);
      resolve(true);
    });
  });

const answers = (address: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(address);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

const release = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
