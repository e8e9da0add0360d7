import 'reflect-metadata';
import { X509Certificate as NodeCertificate, webcrypto } from 'node:crypto';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { keep, keepFirst, readKept } from './keep.ts';

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
  /** SHA-256 of it, as systems show it before they trust it. */
  readonly fingerprint: string;
  readonly names: readonly string[];
};

const wildcards = ['0.0.0.0', '::'];

/** Every name and address under which this machine may be opened on its network. */
export const localNames = (listensOn = '0.0.0.0'): readonly string[] => {
  const addresses = Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .filter(({ address }) => !address.startsWith('fe80'))
    .map(({ address }) => address);
  // A certificate holds ASCII names only.
  const host = /^[a-z0-9._-]+$/.exec(hostname().toLowerCase())?.[0];
  const hosts = host === undefined ? [] : [host, `${host.split('.')[0]}.local`];
  const asked = wildcards.includes(listensOn) ? [] : [listensOn.toLowerCase()];
  return [...new Set(['localhost', '127.0.0.1', '::1', ...hosts, ...asked, ...addresses])].sort();
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
  const authority = await openCa(join(folder, 'ca.pem'), now);
  const path = join(folder, 'server.pem');
  const kept = await readKept(path).then((pem) => (pem === undefined ? undefined : parsePair(pem)));
  const server =
    kept && (await isUsable(kept.certificate, authority.certificate, names, now))
      ? kept
      : await createServerCertificate(path, authority, names, now);
  return {
    key: server.keyPem,
    cert: `${server.certificate.toString('pem')}\n${authority.certificate.toString('pem')}`,
    authorityDer: Buffer.from(authority.certificate.rawData),
    fingerprint: new NodeCertificate(Buffer.from(authority.certificate.rawData)).fingerprint256,
    names,
  };
};

/** Phones trust just this one, so a damaged one is never replaced behind its owner's back. */
const openCa = async (path: string, now: Date): Promise<Pair> => {
  const pem = (await readKept(path)) ?? (await keepFirst(path, await createAuthority(now)));
  const kept = await parsePair(pem);
  const remedy = `Delete ${path} to make a new one; every device must then trust it anew (/trust).`;
  if (!kept) throw new Error(`The certificate authority of this host can not be read. ${remedy}`);
  if (kept.certificate.notAfter.getTime() - now.getTime() < renewBeforeDays * day) {
    throw new Error(`The certificate authority of this host ends within ${renewBeforeDays} days. ${remedy}`);
  }
  return kept;
};

type Pair = {
  readonly certificate: x509.X509Certificate;
  readonly keyPem: string;
  readonly privateKey: CryptoKey;
};

const createAuthority = async (now: Date): Promise<string> => {
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
  return formatPair(certificate, keys.privateKey);
};

const createServerCertificate = async (
  path: string,
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
    notAfter: new Date(
      Math.min(now.getTime() + (serverDays - backdateDays) * day, authority.certificate.notAfter.getTime()),
    ),
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
  const pem = await formatPair(certificate, keys.privateKey);
  await keep(path, pem);
  const pair = await parsePair(pem);
  if (!pair) throw new Error('a certificate that was just made can not be read');
  return pair;
};

const isUsable = async (
  certificate: x509.X509Certificate,
  authority: x509.X509Certificate,
  names: readonly string[],
  now: Date,
): Promise<boolean> => {
  // Authorities of one host share their name, so only the signature tells whose certificate it is.
  if (!(await certificate.verify({ publicKey: authority.publicKey, signatureOnly: true }))) return false;
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

/** Key and certificate in one file, so that they always belong together. */
const formatPair = async (certificate: x509.X509Certificate, privateKey: CryptoKey): Promise<string> => {
  const der = await webcrypto.subtle.exportKey('pkcs8', privateKey as webcrypto.CryptoKey);
  return `${x509.PemConverter.encode(der, 'PRIVATE KEY')}\n${certificate.toString('pem')}\n`;
};

const parsePair = async (pem: string): Promise<Pair | undefined> => {
  try {
    const keyPem = /-----BEGIN PRIVATE KEY-----[^-]*-----END PRIVATE KEY-----/.exec(pem)?.[0] ?? '';
    const certificatePem = pem.slice(pem.indexOf('-----BEGIN CERTIFICATE'));
    const certificate = new x509.X509Certificate(certificatePem);
    const der = x509.PemConverter.decodeFirst(keyPem);
    const privateKey = await webcrypto.subtle.importKey('pkcs8', der, algorithm, true, ['sign']);
    return { certificate, keyPem, privateKey: privateKey as CryptoKey };
  } catch {
    return undefined;
  }
};
