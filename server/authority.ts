import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';

x509.cryptoProvider.set(webcrypto as unknown as Crypto);

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const day = 86_400_000;
const authorityDays = 3_650;
/** Browsers refuse certificates that are valid for longer than 398 days. */
const serverDays = 397;
const renewBeforeDays = 30;
/** A phone's clock may be behind the host's. */
const backdateDays = 1;

export type TlsMaterial = {
  readonly key: string;
  readonly cert: string;
  /** The authority's certificate in DER: what a phone installs. */
  readonly authorityDer: Buffer;
  readonly names: readonly string[];
};

/** Every name and address under which this machine may be opened on its network. */
export const localNames = (): readonly string[] => {
  const addresses = Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .filter(({ address }) => !address.startsWith('fe80'))
    .map(({ address }) => address);
  const host = hostname().toLowerCase();
  return [
    ...new Set(['localhost', '127.0.0.1', '::1', host, `${host.split('.')[0]}.local`, ...addresses]),
  ].sort();
};

/**
 * A certificate authority of this host's own, made once and kept (mode 0600), and a server certificate signed by it,
 * made again when addresses change or its end is near. A phone that trusts the authority gets a secure context:
 * installing and working offline.
 */
export const openAuthority = async (
  folder: string,
  now: Date,
  names: readonly string[] = localNames(),
): Promise<TlsMaterial> => {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const authority = (await readPair(folder, 'ca')) ?? (await createAuthority(folder, now));
  const kept = await readPair(folder, 'server');
  const server =
    kept && isUsable(kept.certificate, authority.certificate, names, now)
      ? kept
      : await createServerCertificate(folder, authority, names, now);
  return {
    key: server.keyPem,
    cert: `${server.certificate.toString('pem')}\n${authority.certificate.toString('pem')}`,
    authorityDer: Buffer.from(authority.certificate.rawData),
    names,
  };
};

type Pair = {
  readonly certificate: x509.X509Certificate;
  readonly keyPem: string;
  readonly privateKey: CryptoKey;
};

const createAuthority = async (folder: string, now: Date): Promise<Pair> => {
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: `CN=AIVillage on ${hostname().replace(/[^\w.-]/g, '')}, O=AIVillage local authority`,
    notBefore: new Date(now.getTime() - backdateDays * day),
    notAfter: new Date(now.getTime() + authorityDays * day),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return writePair(folder, 'ca', certificate, keys.privateKey);
};

const createServerCertificate = async (
  folder: string,
  authority: Pair,
  names: readonly string[],
  now: Date,
): Promise<Pair> => {
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: 'CN=AIVillage host',
    issuer: authority.certificate.subject,
    notBefore: new Date(now.getTime() - backdateDays * day),
    notAfter: new Date(now.getTime() + (serverDays - backdateDays) * day),
    publicKey: keys.publicKey,
    signingKey: authority.privateKey,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(names.map(toGeneralName)),
      await x509.AuthorityKeyIdentifierExtension.create(authority.certificate),
    ],
  });
  return writePair(folder, 'server', certificate, keys.privateKey);
};

const isUsable = (
  certificate: x509.X509Certificate,
  authority: x509.X509Certificate,
  names: readonly string[],
  now: Date,
): boolean => {
  if (certificate.issuer !== authority.subject) return false;
  if (certificate.notAfter.getTime() - now.getTime() < renewBeforeDays * day) return false;
  const held = certificate.getExtension(x509.SubjectAlternativeNameExtension)?.names.items ?? [];
  const heldNames = new Set(held.map(({ value }) => value));
  return names.every((name) => heldNames.has(name));
};

const toGeneralName = (name: string): x509.JsonGeneralName =>
  /^[\d.]+$/.test(name) || name.includes(':') ? { type: 'ip', value: name } : { type: 'dns', value: name };

const generateKeys = (): Promise<CryptoKeyPair> =>
  webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']) as Promise<CryptoKeyPair>;

const serialNumber = (): string =>
  // RFC 5280 §4.1.2.2: positive, so the top bit stays clear.
  `01${Buffer.from(webcrypto.getRandomValues(new Uint8Array(15))).toString('hex')}`;

const writePair = async (
  folder: string,
  name: string,
  certificate: x509.X509Certificate,
  privateKey: CryptoKey,
): Promise<Pair> => {
  const der = await webcrypto.subtle.exportKey('pkcs8', privateKey as webcrypto.CryptoKey);
  const keyPem = x509.PemConverter.encode(der, 'PRIVATE KEY');
  await writeFile(join(folder, `${name}.key`), keyPem, { mode: 0o600 });
  await writeFile(join(folder, `${name}.crt`), certificate.toString('pem'));
  return { certificate, keyPem, privateKey };
};

const readPair = async (folder: string, name: string): Promise<Pair | undefined> => {
  try {
    const keyPem = await readFile(join(folder, `${name}.key`), 'utf8');
    const certificate = new x509.X509Certificate(await readFile(join(folder, `${name}.crt`), 'utf8'));
    const der = x509.PemConverter.decodeFirst(keyPem);
    const privateKey = await webcrypto.subtle.importKey('pkcs8', der, algorithm, true, ['sign']);
    return { certificate, keyPem, privateKey: privateKey as CryptoKey };
  } catch {
    return undefined; // not there yet, or damaged: it is made again
  }
};
