import { createHmac } from 'node:crypto';
import type { PeerId } from '../src/core/brand.ts';
import type { Clock } from '../src/core/ports/clock.ts';
import type { IceServer } from '../src/mesh/signaling/protocol.ts';

export type TurnConfig = { readonly urls: readonly string[]; readonly secret: string };

/** A day's work in one tab; whoever reads a name and password in a page can relay through the server for so long only. */
const validSeconds = 12 * 60 * 60;

/**
 * Name and password that a TURN server with the same secret accepts until they end (coturn's `use-auth-secret`, after
 * draft-uberti-behave-turn-rest-00): name = "end in seconds since 1970:peer", password = base64 of HMAC-SHA1 over the name.
 */
export const turnCredentials = (
  { urls, secret }: TurnConfig,
  peer: PeerId,
  clock: Pick<Clock, 'now'>,
): IceServer => {
  const username = `${Math.floor(clock.now() / 1_000) + validSeconds}:${peer}`;
  return {
    urls: [...urls],
    username,
    credential: createHmac('sha1', secret).update(username).digest('base64'),
  };
};
