import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let folder: string;
let processes: ChildProcessWithoutNullStreams[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aivillage-main-'));
});
afterEach(async () => {
  for (const child of processes) child.kill('SIGKILL');
  processes = [];
  await rm(folder, { recursive: true });
});

/** The host as `npm start` runs it, from source. */
const startHost = (args: readonly string[], environment: Record<string, string> = {}) => {
  const child = spawn(process.execPath, ['--import', 'tsx', 'server/main.ts', ...args], {
    env: { ...process.env, AIVILLAGE_DATA: folder, ...environment },
  });
  processes.push(child);
  const said = { out: '', err: '' };
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  child.stdout.on('data', (data: Buffer) => {
    said.out += data.toString();
  });
  child.stderr.on('data', (data: Buffer) => {
    said.err += data.toString();
  });
  const link = async () => {
    await expect.poll(() => said.out, { timeout: 15_000 }).toMatch(/#room=/);
    const [text = '', port = '', secret = ''] =
      /http:\/\/localhost:(\d+)\/#room=([\w-]{22})/.exec(said.out) ?? [];
    return { text, port: Number(port), secret };
  };
  return { child, said, ended, link };
};

/** A client that has the socket opened and never closes its side. */
const openStubborn = (port: number) =>
  new Promise<void>((resolve, reject) => {
    const raw = connect(port, '127.0.0.1');
    raw.on('data', () => resolve());
    raw.on('error', reject);
    raw.write(
      'GET /signal HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
  });

describe('the host process', { timeout: 40_000 }, () => {
  it('prints a link with a room it keeps, logs objects without that room, and stops when asked', async () => {
    const host = startHost(['--port', '0'], { AIVILLAGE_LOG_LEVEL: 'debug' });
    const { port, secret } = await host.link();
    expect((await readFile(join(folder, 'room'), 'utf8')).trim()).toBe(secret);
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
    host.child.kill('SIGTERM');
    expect(await host.ended).toBe(0);
    const lines = host.said.err.trim().split('\n');
    const messages = lines.map((line) => (JSON.parse(line) as { message: string }).message);
    expect(messages).toEqual(expect.arrayContaining(['listening', 'request', 'stopped']));
    expect(host.said.err).not.toContain(secret);
  });

  it('stops at once when asked twice, although a client does not let go', async () => {
    const host = startHost(['--port', '0'], { AIVILLAGE_LOG_LEVEL: 'info' });
    const { port } = await host.link();
    await openStubborn(port);
    host.child.kill('SIGINT');
    host.child.kill('SIGTERM');
    expect(await host.ended).toBe(1);
    expect(host.said.err).not.toContain('stopped');
  });

  it('does not wait for a client that does not let go for ever', async () => {
    const host = startHost(['--port', '0']);
    await openStubborn((await host.link()).port);
    host.child.kill('SIGTERM');
    expect(await host.ended).toBe(0);
  });

  it('explains a wrong configuration, and a taken port, without a stack trace', async () => {
    const wrong = startHost(['--prot', '1'], { AIVILLAGE_TLS: 'maybe' });
    expect(await wrong.ended).toBe(2);
    expect(wrong.said.err).toMatch(/--prot[\s\S]*AIVILLAGE_TLS[\s\S]*--new-room/);
    const first = startHost(['--port', '0']);
    const { port } = await first.link();
    const second = startHost(['--port', String(port)]);
    expect(await second.ended).toBe(1);
    expect(second.said.err).toContain(`--port ${port + 1}`);
    expect(second.said.err).not.toMatch(/^\s+at /m);
  });
});
