import { deviceCertificateBytes } from '../../../src/identity/certificates.ts';
import { accountIdOf } from '../../../src/identity/ids.ts';
import type { KeeperSigner } from '../../../src/ledger/keeper/types.ts';
import { operationBytes, operationIdOf, operationMessage } from '../../../src/ledger/operation.ts';
import type {
  Account,
  NetId,
  Operation,
  OperationBodies,
  OperationKind,
  ReadOperation,
} from '../../../src/ledger/types.ts';
import type { Scheme } from './scheme.ts';

/** Owners and their keys, under any scheme. */
export type Owner = {
  readonly name: string;
  readonly id: Operation['account'];
  readonly recovery: KeeperSigner;
  readonly device: KeeperSigner;
};

export const createOwner = (name: string, scheme: Scheme): Owner => {
  const recovery = scheme.signer(`${name}'s recovery`);
  return { name, id: accountIdOf(recovery.publicKey), recovery, device: scheme.signer(`${name}'s device`) };
};

export const openBody = ({ recovery, device }: Owner): OperationBodies['open'] => {
  const body = { recoveryKey: recovery.publicKey, deviceKey: device.publicKey, issuedAt: 0 };
  return { ...body, signature: recovery.sign(deviceCertificateBytes(body)) };
};

export const identityVerified = (account: string, body: OperationBodies['open'], scheme: Scheme): boolean =>
  accountIdOf(body.recoveryKey) === account &&
  scheme.verify(body.recoveryKey, deviceCertificateBytes(body), body.signature);

export type Content<Kind extends OperationKind> = {
  readonly net: NetId;
  readonly account: Operation['account'];
  readonly seq: Account['seq'];
  readonly validUntil: number;
  readonly kind: Kind;
  readonly body: OperationBodies[Kind];
};

export const signOperation = <Kind extends OperationKind>(
  signer: KeeperSigner,
  content: Content<Kind>,
): ReadOperation => {
  const operation = { ...content } as unknown as Operation;
  const bytes = operationBytes(operation);
  return { bytes, signature: signer.sign(operationMessage(bytes)), id: operationIdOf(bytes), operation };
};
