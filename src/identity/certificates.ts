import * as v from 'valibot';
import { type Bytes, concatBytes, equalBytes, utf8 } from '../core/bytes.ts';
import { encodeCbor } from '../core/codec.ts';
import type { CryptoPort, PublicKey, SigningKey } from '../core/ports/crypto.ts';
import { err, type Fault, fault, ok, type Result } from '../core/result.ts';
import { parseWith } from '../core/schema.ts';
import { accountIdOf, deviceIdOf, peerIdOf } from './ids.ts';
import type { Credentials, DeviceCertificate, NodeCertificate, PeerIdentity } from './types.ts';

const exactly = (length: number) =>
  v.pipe(
    v.instance(Uint8Array),
    v.length(length, `must have ${length} bytes`),
    // A copy of its own: decoded messages share one buffer, which a kept view would keep alive.
    v.transform((bytes): Bytes => new Uint8Array(bytes)),
  );
const timeSchema = v.pipe(v.number(), v.integer(), v.minValue(0));

export const deviceCertificateSchema = v.strictObject({
  v: v.literal(1),
  recoveryKey: exactly(32),
  deviceKey: exactly(32),
  issuedAt: timeSchema,
  signature: exactly(64),
});

export const credentialsSchema = v.strictObject({
  device: deviceCertificateSchema,
  node: v.strictObject({
    v: v.literal(1),
    deviceKey: exactly(32),
    nodeKey: exactly(32),
    issuedAt: timeSchema,
    signature: exactly(64),
  }),
});

/** The account's recovery key authorises a device. `issuedAt`: milliseconds since the Unix epoch, advisory. */
export const certifyDevice = async (
  recovery: SigningKey,
  deviceKey: PublicKey,
  issuedAt: number,
): Promise<DeviceCertificate> => {
  const body = { v: 1 as const, recoveryKey: recovery.publicKey, deviceKey, issuedAt };
  return { ...body, signature: await recovery.sign(deviceCertificateBytes(body)) };
};

/** A device authorises the session key of one of its tabs. */
export const certifyNode = async (
  device: SigningKey,
  nodeKey: PublicKey,
  issuedAt: number,
): Promise<NodeCertificate> => {
  const body = { v: 1 as const, deviceKey: device.publicKey, nodeKey, issuedAt };
  return { ...body, signature: await device.sign(nodeCertificateBytes(body)) };
};

/** From a device's key to its account: for what a device has signed and others pass on. */
export const verifyDeviceCertificate = async (
  certificate: DeviceCertificate,
  crypto: CryptoPort,
): Promise<Result<Pick<PeerIdentity, 'account' | 'device'>, Fault<'credentials'>>> => {
  const { recoveryKey, deviceKey, signature } = certificate;
  if (!(await crypto.verify(recoveryKey, deviceCertificateBytes(certificate), signature)))
    return err(fault('credentials', "the account's signature over the device does not hold"));
  return ok({ account: accountIdOf(recoveryKey), device: deviceIdOf(deviceKey) });
};

/**
 * Follows the two signatures from account to tab. Accepts any clock: the keys are what is proven, and a device whose
 * clock is hours off is still the device it says it is.
 */
export const verifyCredentials = async (
  credentials: unknown,
  crypto: CryptoPort,
): Promise<Result<PeerIdentity, Fault<'credentials'>>> => {
  const parsed = parseWith(credentialsSchema, credentials);
  if (!parsed.ok) return err(fault('credentials', `credentials are malformed: ${parsed.error.message}`));
  const { device, node }: Credentials = parsed.value;
  if (!equalBytes(device.deviceKey, node.deviceKey)) {
    return err(fault('credentials', 'the tab was certified by another device than the account names'));
  }
  const certified = await verifyDeviceCertificate(device, crypto);
  if (!certified.ok) return certified;
  const nodeHolds = await crypto.verify(node.deviceKey, nodeCertificateBytes(node), node.signature);
  if (!nodeHolds) return err(fault('credentials', "the device's signature over the tab does not hold"));
  return ok({
    ...certified.value,
    peer: peerIdOf(node.nodeKey),
    deviceKey: device.deviceKey,
    nodeKey: node.nodeKey,
  });
};

export const deviceCertificateBytes = ({
  recoveryKey,
  deviceKey,
  issuedAt,
}: Omit<DeviceCertificate, 'signature' | 'v'>): Bytes =>
  concatBytes(utf8('aivillage/device-certificate/1'), encodeCbor({ recoveryKey, deviceKey, issuedAt }));

const nodeCertificateBytes = ({ deviceKey, nodeKey, issuedAt }: Omit<NodeCertificate, 'signature'>): Bytes =>
  concatBytes(utf8('aivillage/node-certificate/1'), encodeCbor({ deviceKey, nodeKey, issuedAt }));
