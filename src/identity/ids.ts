import type { AccountId, DeviceId, PeerId, RoomId } from '../core/brand.ts';
import { concatBytes, utf8 } from '../core/bytes.ts';
import { sha256Base64url } from '../core/hash.ts';

/** Ids are hashes of keys under a domain of their own, so that a key used in two roles has two names. */
export const peerIdOf = (nodeKey: Uint8Array): PeerId => hashInDomain('aivillage/node/1', nodeKey) as PeerId;
export const deviceIdOf = (deviceKey: Uint8Array): DeviceId =>
  hashInDomain('aivillage/device/1', deviceKey) as DeviceId;
export const accountIdOf = (recoveryKey: Uint8Array): AccountId =>
  hashInDomain('aivillage/account/1', recoveryKey) as AccountId;
/** The server knows a room by this hash; its secret stays in the link's fragment. */
export const roomIdOf = (secret: Uint8Array): RoomId => hashInDomain('aivillage/room/1', secret) as RoomId;
/** A private swarm: its founder is part of its name, so a link that names another founder leads to another room. */
export const swarmIdOf = (secret: Uint8Array, founder: Uint8Array): RoomId =>
  hashInDomain('aivillage/swarm/1', concatBytes(secret, founder)) as RoomId;

const hashInDomain = (domain: string, bytes: Uint8Array): string =>
  sha256Base64url(concatBytes(utf8(domain), bytes));
