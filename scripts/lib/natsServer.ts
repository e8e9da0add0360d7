/** A nats-server of one's own on a free port, for tests and benches; nothing of it is left. */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { connect, createServer } from 'node:net';
import { delimiter, join } from 'node:path';

/** Where nats-server is, if this machine has it. */
export const findNatsServer = (): string | undefined =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'nats-server'))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });

export type NatsServer = {
  readonly port: number;
  /** As `kill -9` does it. */
  kill(): Promise<void>;
};

export const startNatsServer = async (
  path: string,
  options: { readonly port?: number; readonly login?: { readonly user: string; readonly pass: string } } = {},
): Promise<NatsServer> => {
  const port = options.port ?? (await freePort());
  const login = options.login ? ['--user', options.login.user, '--pass', options.login.pass] : [];
  const child = spawn(path, ['-a', '127.0.0.1', '-p', String(port), ...login], { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  // Also when a test fails before it says so.
  const killWithUs = () => void child.kill('SIGKILL');
  process.once('exit', killWithUs);
  await answers(child, port);
  return {
    port,
    kill: async () => {
      process.off('exit', killWithUs);
      child.kill('SIGKILL');
      await ended;
    },
  };
};

export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });

const answers = async (child: ChildProcess, port: number): Promise<void> => {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (child.exitCode !== null) throw new Error(`nats-server ended with ${child.exitCode}`);
    if (await isOpen(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error('nats-server did not answer within 5 s');
};

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
