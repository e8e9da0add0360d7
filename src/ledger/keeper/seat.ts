import { equalBytes } from '../../core/bytes.ts';
import type { LedgerState } from '../types.ts';
import type { KeeperOptions, KeeperSigner } from './types.ts';

type Keys = Pick<KeeperOptions, 'signer' | 'successor'>;

/**
 * By which key this keeper speaks at the height after `chain`. The ledger alone says so: at no height have both keys of one seat
 * a voice, and a start with either history of the disk finds the same.
 */
export const signerAt = ({ signer, successor }: Keys, chain: LedgerState): KeeperSigner =>
  successor && seatIn(chain, successor) >= 0 ? successor : signer;

/** -1: it has none. */
export const seatAt = (keys: Keys, chain: LedgerState): number => seatIn(chain, signerAt(keys, chain));

const seatIn = ({ keepers }: LedgerState, { publicKey }: KeeperSigner): number =>
  keepers.findIndex(({ key }) => equalBytes(key, publicKey));
