import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type { PeerId, RoomId } from '../../core/brand.ts';
import { type Bytes, concatBytes, utf8 } from '../../core/bytes.ts';
import type { Random } from '../../core/ports/random.ts';
import { type SealingKey, type SealingPort, sealingNonceBytes } from '../../core/ports/sealing.ts';

type Way = { readonly from: PeerId; readonly to: PeerId };

export interface RoomSeal {
  /** 28 bytes longer than the plaintext: a random nonce before it, the tag behind. */
  seal(plaintext: Uint8Array, way: Way): Promise<Bytes>;
  /** Undefined for whatever was not sealed with this room's secret, from and to the same peers. */
  open(sealed: Uint8Array, way: Way): Promise<Bytes | undefined>;
}

/**
 * What only those can read and write who were given the room's link: its secret is in the link's fragment, which the
 * server never sees, and this key is derived from it (HKDF-SHA256, RFC 5869). So nobody is admitted who merely knows the
 * room's id, and the server can't read which addresses two tabs tell each other. Doesn't know what is in an envelope.
 */
export const createRoomSeal = (
  deps: { readonly sealing: SealingPort; readonly random: Pick<Random, 'bytes'> },
  options: { readonly room: RoomId; readonly secret: Uint8Array },
): RoomSeal => {
  let key: Promise<SealingKey> | undefined;
  const keyOnce = () => {
    key ??= deps.sealing.sealingKey(
      hkdf(sha256, options.secret, utf8(options.room), utf8('aivillage/envelope/2'), 32),
    );
    return key;
  };
  const bound = ({ from, to }: Way) => concatBytes(utf8(options.room), utf8(from), utf8(to));
  return {
    async seal(plaintext, way) {
      // Random nonces are safe for 2³² envelopes of one key (SP 800-38D §8.3): a swarm exchanges millions at most.
      const nonce = deps.random.bytes(sealingNonceBytes);
      return concatBytes(nonce, await (await keyOnce()).seal(nonce, plaintext, bound(way)));
    },
    async open(sealed, way) {
      const nonce = sealed.subarray(0, sealingNonceBytes);
      if (nonce.byteLength < sealingNonceBytes) return undefined;
      return (await keyOnce()).open(nonce, sealed.subarray(sealingNonceBytes), bound(way));
    },
  };
};
