import type { Server as HttpsServer } from 'node:https';
import { milliseconds } from '../src/core/brand.ts';
import type { CancelTimer, Timers } from '../src/core/ports/timers.ts';
import { localNames, openAuthority, type TlsMaterial } from './authority.ts';
import type { ServerConfig } from './config.ts';
import type { DynamicPage } from './http.ts';
import type { Log } from './log.ts';
import { trustPage } from './trustPage.ts';

const renewEveryMs = 60_000;

export const openTls = (config: ServerConfig, names = localNames(config.host)): Promise<TlsMaterial> =>
  openAuthority(config.dataFolder, new Date(), names);

/** A laptop that changes networks has new addresses, and a certificate ends: a running host takes the new one over. */
export const keepTlsFresh = (
  server: HttpsServer,
  deps: { readonly timers: Timers; readonly log: Log; readonly open: () => Promise<TlsMaterial> },
  current: TlsMaterial,
): CancelTimer => {
  let { cert } = current;
  const renew = async () => {
    const renewed = await deps.open();
    if (renewed.cert === cert) return;
    cert = renewed.cert;
    server.setSecureContext({ key: renewed.key, cert: renewed.cert });
    deps.log('info', 'new server certificate', { names: renewed.names.join(' ') });
  };
  return deps.timers.every(milliseconds(renewEveryMs), () => {
    renew().catch((cause: Error) => deps.log('error', 'no new certificate', { cause: cause.message }));
  });
};

/** How a phone comes to trust this host: it opens /trust past its browser's warning, once. */
export const trustPages = ({ authorityDer, fingerprint }: TlsMaterial): Record<string, DynamicPage> => ({
  '/ca.crt': () => ({
    status: 200,
    type: 'application/x-x509-ca-cert',
    body: authorityDer,
    headers: { 'Content-Disposition': 'attachment; filename="aivillage-ca.crt"' },
  }),
  '/trust': () => ({ status: 200, type: 'text/html; charset=utf-8', body: trustPage(fingerprint) }),
});
