import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { expect, it } from 'vitest';
import { openAuthority } from './authority.ts';
import { keepTlsFresh } from './tls.ts';

it('a running host presents a new certificate after its machine got a new address', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'aivillage-tls-'));
  let names = ['localhost', '127.0.0.1'];
  const open = () => openAuthority(folder, new Date(), names);
  const first = await open();
  const server = createServer({ key: first.key, cert: first.cert });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const addressesShown = () =>
    new Promise<string>((resolve, reject) => {
      const { port } = server.address() as AddressInfo;
      const ca = new X509Certificate(first.authorityDer).toString();
      const socket = connect({ port, host: '127.0.0.1', ca }, () => {
        resolve(socket.getPeerX509Certificate()?.subjectAltName ?? '');
        socket.destroy();
      });
      socket.on('error', reject);
    });
  let minute = () => {};
  const timers = {
    after: () => () => {},
    every: (_period: number, run: () => void) => {
      minute = run;
      return () => {};
    },
  };
  const logged: string[] = [];
  keepTlsFresh(server, { timers, open, log: (_level, message) => void logged.push(message) }, first);
  minute();
  expect(await addressesShown()).not.toContain('192.0.2.44');
  names = [...names, '192.0.2.44'];
  minute();
  await expect.poll(addressesShown).toContain('192.0.2.44');
  expect(logged).toEqual(['new server certificate']);
  server.close();
  await rm(folder, { recursive: true });
});
