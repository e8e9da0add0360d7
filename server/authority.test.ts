import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, get } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { localNames, openAuthority } from './authority.ts';
import { startServer } from './server.ts';
import { testConfig } from './testDoubles.ts';

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

  it('keeps its keys to itself', async () => {
    const folder = await newFolder();
    await openAuthority(folder, now, names);
    for (const name of await readdir(folder)) expect((await stat(join(folder, name))).mode & 0o077).toBe(0);
    expect((await readdir(folder)).sort()).toEqual(['ca.pem', 'server.pem']);
  });

  it('knows its addresses again however they were written', async () => {
    const folder = await newFolder();
    const odd = ['localhost', '2001:db8::1:0:0:1', '2001:db8:0:0:1::', 'fd00::', '10.0.0.1', 'my_host.local'];
    const first = await openAuthority(folder, now, odd);
    expect((await openAuthority(folder, now, odd)).cert).toBe(first.cert);
  });

  it('does not offer a certificate that an earlier authority of the same name signed', async () => {
    const folder = await newFolder();
    const first = await openAuthority(folder, now, names);
    await rm(join(folder, 'ca.pem'));
    const second = await openAuthority(folder, now, names);
    expect(second.fingerprint).not.toBe(first.fingerprint);
    const chain = new X509Certificate(second.cert);
    expect(chain.verify(new X509Certificate(second.authorityDer).publicKey)).toBe(true);
  });

  it('is one authority for hosts that start at the same moment', async () => {
    const folder = await newFolder();
    const all = await Promise.all(Array.from({ length: 4 }, () => openAuthority(folder, now, names)));
    expect(new Set(all.map(({ fingerprint }) => fingerprint)).size).toBe(1);
  });

  it('is never replaced behind its owner’s back', async () => {
    const folder = await newFolder();
    await openAuthority(folder, now, names);
    const tenYearsOn = new Date(now.getTime() + 3_640 * 86_400_000);
    await expect(openAuthority(folder, tenYearsOn, names)).rejects.toThrow(/ends within.*Delete.*ca\.pem/);
    await writeFile(join(folder, 'ca.pem'), 'damaged');
    await expect(openAuthority(folder, now, names)).rejects.toThrow(/can not be read.*Delete.*ca\.pem/);
    await writeFile(join(folder, 'ca.pem'), '');
    await expect(openAuthority(folder, now, names)).rejects.toThrow('Delete');
  });

  it('makes a damaged server certificate again', async () => {
    const folder = await newFolder();
    const first = await openAuthority(folder, now, names);
    await writeFile(join(folder, 'server.pem'), first.key);
    const second = await openAuthority(folder, now, names);
    expect(second.cert).not.toBe(first.cert);
    expect(second.fingerprint).toBe(first.fingerprint);
  });

  it('signs only what browsers accept: a server, for at most 397 days, under every name asked for', async () => {
    const { cert, authorityDer } = await openAuthority(await newFolder(), now, names);
    const [server, ca] = [new X509Certificate(cert), new X509Certificate(authorityDer)];
    expect((Date.parse(server.validTo) - Date.parse(server.validFrom)) / 86_400_000).toBeLessThanOrEqual(397);
    expect(Date.parse(server.validFrom)).toBeLessThan(now.getTime());
    expect([server.ca, ca.ca]).toEqual([false, true]);
    expect(server.checkHost('localhost')).toBe('localhost');
    for (const address of ['127.0.0.1', '::1']) expect(server.checkIP(address)).toBe(address);
    expect(server.checkIP('192.0.2.1')).toBeUndefined();
  });
});

describe('names of this machine', () => {
  it('are its own, the addresses it has, and the one it was asked to listen on', () => {
    expect(localNames()).toEqual(expect.arrayContaining(['localhost', '127.0.0.1', '::1']));
    expect(localNames('village.lan')).toContain('village.lan');
    expect(localNames('0.0.0.0')).not.toContain('0.0.0.0');
  });
});

describe('a host with --tls', () => {
  it('serves page, socket, authority and steps to a client that trusts the authority', async () => {
    const dataFolder = await newFolder();
    const host = await startServer(
      { ...testConfig, tls: true, dataFolder },
      { log: () => {}, clientFolder: '/nonexistent' },
    );
    try {
      const { authorityDer, fingerprint } = await openAuthority(
        dataFolder,
        new Date(),
        localNames('127.0.0.1'),
      );
      expect(host.url).toBe(`https://localhost:${host.port}`);
      expect(host.fingerprint).toBe(fingerprint);
      const fetchPath = (path: string) =>
        new Promise<{ headers: Record<string, unknown>; body: Buffer }>((resolve, reject) => {
          get(new URL(path, host.url), { agent: false, ca: pem(authorityDer) }, (response) => {
            const parts: Buffer[] = [];
            response.on('data', (part: Buffer) => parts.push(part));
            response.on('end', () => resolve({ headers: response.headers, body: Buffer.concat(parts) }));
          }).on('error', reject);
        });
      const certificate = await fetchPath('/ca.crt');
      expect(certificate.headers['content-type']).toBe('application/x-x509-ca-cert');
      expect(certificate.body.equals(authorityDer)).toBe(true);
      const steps = (await fetchPath('/trust')).body.toString();
      expect(steps.replace(/\n/g, '')).toContain(fingerprint);
      for (const system of ['Android', 'iPhone', 'Windows', 'macOS', 'Linux', 'Firefox']) {
        expect(steps).toContain(`<h2>${system}`);
      }
      expect(steps).not.toMatch(/<script|<style|style=/);
      const socket = new WebSocket(`wss://localhost:${host.port}/signal`, { ca: pem(authorityDer) });
      await new Promise<void>((resolve, reject) => {
        socket.once('message', () => resolve());
        socket.once('error', reject);
      });
      socket.terminate();
    } finally {
      await host.close();
    }
  });
});
