import type { AccountId, DeviceId, PeerId } from '../core/brand.ts';
import type { PublicKey, Signature, SigningKey } from '../core/ports/crypto.ts';

/**
 * Account = a person: the hash of a recovery public key, whose private half is shown once and kept offline.
 * Device = a browser profile: a non-extractable key, certified by the account.
 * Node = one tab: a session key, certified by the device.
 *
 * Certificates bind keys, not times: a device's clock may be hours off, so `issuedAt` is advisory.
 */
export type DeviceCertificate = {
  readonly v: 1;
  readonly recoveryKey: PublicKey;
  readonly deviceKey: PublicKey;
  readonly issuedAt: number;
  readonly signature: Signature;
};

export type NodeCertificate = {
  readonly v: 1;
  readonly deviceKey: PublicKey;
  readonly nodeKey: PublicKey;
  readonly issuedAt: number;
  readonly signature: Signature;
};

/** What a tab shows to another: two signatures lead from the account to this tab's key. */
export type Credentials = { readonly device: DeviceCertificate; readonly node: NodeCertificate };

/** Credentials that were verified. */
export type PeerIdentity = {
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly peer: PeerId;
  readonly deviceKey: PublicKey;
  readonly nodeKey: PublicKey;
};

/** This tab, with its keys. */
export type LocalIdentity = PeerIdentity & {
  readonly credentials: Credentials;
  readonly deviceSigner: SigningKey;
  readonly nodeSigner: SigningKey;
};
