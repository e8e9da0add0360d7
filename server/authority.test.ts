import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer, get } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openAuthority } from './authority.ts';

const folders: string[] = [];
const newFolder = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'aivillage-ca-'));
  folders.push(folder);
  return folder;
};
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

const now = new Date();
const names = ['localhost', '127.0.0.1', '::1'];
const pem = (der: Buffer) => new X509Certificate(der).toString();

describe('local authority', () => {
  it('lets a client that trusts it connect, and only that one', async () => {
    const tls = await openAuthority(await newFolder(), now, names);
    const server = createServer({ key: tls.key, cert: tls.cert }, (_request, response) =>
      response.end('hello'),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const fetchWith = (ca: string | undefined) =>
      new Promise<string>((resolve) => {
        get(new URL(`https://127.0.0.1:${port}/`), { agent: false, ...(ca ? { ca } : {}) }, (response) => {
          response.on('data', (data: Buffer) => resolve(data.toString()));
        }).on('error', (cause: NodeJS.ErrnoException) => resolve(cause.code ?? 'error'));
      });
    expect(await fetchWith(pem(tls.authorityDer))).toBe('hello');
    expect(await fetchWith(undefined)).toMatch(/SELF_SIGNED|UNABLE_TO|DEPTH_ZERO/);
    server.close();
  });

  it('stays the same over restarts, so that phones trust it once', async () => {
    const folder = await newFolder();
    const first = await openAuthority(folder, now, names);
    const second = await openAuthority(folder, now, names);
    expect(second.authorityDer.equals(first.authorityDer)).toBe(true);
    expect(second.cert).toBe(first.cert);
  });

  it('issues a new server certificate when the machine has a new address, under the same authority', async () => {
    const folder = await newFolder();
    const first = await openAuthority(folder, now, names);
    const second = await openAuthority(folder, now, [...names, '192.0.2.7']);
    expect(second.cert).not.toBe(first.cert);
    expect(second.authorityDer.equals(first.authorityDer)).toBe(true);
  });

  it('renews the server certificate before it ends', async () => {
    const folder = await newFolder();
    const first = await openAuthority(folder, now, names);
    const later = await openAuthority(folder, new Date(now.getTime() + 370 * 86_400_000), names);
    expect(later.cert).not.toBe(first.cert);
  });

  it('keeps its key to itself', async () => {
    const folder = await newFolder();
    await openAuthority(folder, now, names);
    for (const name of ['ca.key', 'server.key']) {
      expect((await stat(join(folder, name))).mode & 0o077).toBe(0);
    }
  });
});
