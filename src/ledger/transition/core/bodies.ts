import type { AccountId } from '../../../core/brand.ts';
import type { Bytes } from '../../../core/bytes.ts';
import type { PublicKey, Signature } from '../../../core/ports/crypto.ts';

/** A keeper's vote or proposal with its signature, as it was heard: half of the proof that it lied. */
export type SignedMessage = { readonly bytes: Bytes; readonly signature: Signature };

export type CoreBodies = {
  /** Makes a device's key the account's: a device certificate (src/identity), of which the account is the hash. */
  open: {
    readonly recoveryKey: PublicKey;
    readonly deviceKey: PublicKey;
    readonly issuedAt: number;
    readonly signature: Signature;
  };
  transfer: { readonly to: AccountId; readonly amount: number; readonly memo?: string };
  /** Signed by the key it replaces, or by the recovery key. */
  rotate: { readonly key: PublicKey; readonly by: 'current' | 'recovery' };
  /** Signed by the recovery key it replaces. */
  recovery: { readonly key: PublicKey };
  /** A keeper's next reveal of its hash chain, for its seat: adds to the randomness of this epoch. Any account may carry it. */
  beacon: { readonly keeper: number; readonly preimage: Bytes };
  /** Two contradicting signed messages of one keeper: stored and shown. */
  evidence: { readonly keeper: number; readonly first: SignedMessage; readonly second: SignedMessage };
};
