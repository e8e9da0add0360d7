/** What scenarios share: waiting for a page, and talking over its own interface (docs/p2p.md). */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../../scripts/lib/village.ts';

/** Evaluates text in a page: whoever drives it. */
export type Evaluate = (expression: string) => Promise<unknown>;

export const findProgram = (name: string): string | undefined =>
  (process.env['PATH'] ?? '')
    .split(':')
    .concat('/usr/sbin')
    .map((folder) => `${folder}/${name}`)
    .find((path) => existsSync(path));

export const pollUntil = async (
  what: string,
  read: () => Promise<boolean>,
  withinMs = 60_000,
): Promise<void> => {
  const until = Date.now() + withinMs;
  for (let cause: unknown; ; ) {
    try {
      if (await read()) return;
    } catch (thrown) {
      cause = thrown;
    }
    if (Date.now() > until)
      throw new Error(`not within ${withinMs / 1000} s: ${what}${cause === undefined ? '' : ` (${cause})`}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
};

/** Waits until the tab has exactly one link, of this kind. */
export const waitForWay = (
  name: string,
  evaluate: Evaluate,
  way: 'direct' | 'relayed' | 'carried',
  withinMs = 60_000,
): Promise<void> =>
  pollUntil(
    `${name} has one link, ${way}`,
    async () => {
      const links = await evaluate('aivillage.p2p.getNetworkStatistics().links.map(({ way }) => way)');
      return Array.isArray(links) && links.join() === way;
    },
    withinMs,
  );

const listen = `(() => {
  globalThis.heard = [];
  globalThis.stopHearing?.();
  globalThis.stopHearing = aivillage.p2p.messages(({ payload }) => heard.push(new TextDecoder().decode(payload)));
})()`;

/** A message each way, acknowledged and heard. */
export const talk = async (one: Evaluate, other: Evaluate): Promise<void> => {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    const self = String(await to('aivillage.p2p.self'));
    await to(listen);
    const sent = (await from(
      `aivillage.p2p.sendMessage('${self}', new TextEncoder().encode('good evening'))`,
    )) as { readonly ok: boolean };
    if (!sent.ok) throw new Error(`a message did not arrive: ${JSON.stringify(sent)}`);
    await pollUntil('the message is heard', async () => String(await to('heard.join()')) === 'good evening');
  }
};

/** As `npm start` runs it, for every network of this machine. */
export const startPublicHost = async () => {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'aivillage-host-'));
  const server: ChildProcess = spawn(
    process.execPath,
    ['dist/server/main.js', '--host', '0.0.0.0', '--port', String(port)],
    {
      cwd: root,
      stdio: 'ignore',
      env: { ...process.env, AIVILLAGE_DATA: folder, AIVILLAGE_LOG_LEVEL: 'error' },
    },
  );
  const isReady = () =>
    fetch(`http://127.0.0.1:${port}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  for (let tries = 0; !(await isReady()); tries++) {
    if (tries > 100) throw new Error('the server did not start');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    port,
    async stop() {
      const gone = once(server, 'exit');
      server.kill('SIGTERM');
      await gone;
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

export const freePort = async (): Promise<number> => {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
};
