import type { AccountId, PeerId, Sha256 } from '../core/brand.ts';
import { milliseconds } from '../core/brand.ts';
import { toBase64url, utf8 } from '../core/bytes.ts';
import { sha256Bytes, sha256Hex } from '../core/hash.ts';
import type { Candidate } from './choosePeer.ts';

/** A well-formed id that says whose it is. */
export const idOf = <Id extends string>(label: string): Id => toBase64url(sha256Bytes(utf8(label))) as Id;

export const modelHash = (label: string): Sha256 => sha256Hex(utf8(label));

export const candidate = (label: string, more: Partial<Candidate> = {}): Candidate => ({
  peer: idOf<PeerId>(label),
  account: idOf<AccountId>(`account of ${label}`),
  name: label,
  self: false,
  closed: undefined,
  trial: false,
  slots: 1,
  outstanding: 0,
  overdue: 0,
  queued: 0,
  rtt: milliseconds(10),
  bytesPerMs: undefined,
  speeds: {},
  models: {},
  failures: 0,
  verified: 0,
  weight: 1,
  ...more,
});
