import type { AccountId, RoomId } from '../core/brand.ts';
import { type Bytes, fromBase64url, toBase64url } from '../core/bytes.ts';
import type { Random } from '../core/ports/random.ts';
import { err, type Fault, fault, ok, type Result } from '../core/result.ts';
import { roomIdOf, swarmIdOf } from './ids.ts';

/** 128 random bits: nobody guesses a room. */
const secretBytes = 16;
const founderBytes = 32;

export type Room = {
  readonly id: RoomId;
  readonly secret: string;
  readonly name: string;
  /** A private swarm has somebody who may say who takes part; in an open room all are equal. */
  readonly founder?: AccountId;
};

export const createRoom = (random: Random): Room => roomOf(random.bytes(secretBytes));

/** A new private swarm, founded by this account. */
export const foundSwarm = (random: Random, founder: AccountId): Result<Room, Fault<'room-link'>> =>
  swarmOf(random.bytes(secretBytes), founder);

/**
 * Accepts a whole link, its fragment, or the bare secret of an open room: people paste what they have. A damaged founder
 * is refused rather than left out: the link would lead to another room.
 */
export const parseRoomLink = (text: string): Result<Room, Fault<'room-link'>> => {
  const trimmed = text.trim();
  const secret = /[#&]room=([^&\s]*)/.exec(trimmed)?.[1] ?? (/^[A-Za-z0-9_-]+$/.test(trimmed) ? trimmed : '');
  if (secret === '') {
    return err(fault('room-link', 'this is not a room link: it should end in #room= and 22 characters'));
  }
  const bytes = fromBase64url(secret);
  if (!bytes || bytes.byteLength !== secretBytes) {
    return err(
      fault(
        'room-link',
        `the room in this link has ${secret.length} characters instead of 22: ask for it again`,
      ),
    );
  }
  const founder = /[#&]founder=([^&\s]*)/.exec(trimmed)?.[1];
  return founder === undefined ? ok(roomOf(bytes)) : swarmOf(bytes, founder);
};

export const formatRoomLink = (pageUrl: string, room: Room): string => {
  const url = new URL(pageUrl);
  url.search = '';
  url.hash = fragmentOf(room);
  return url.href;
};

const fragmentOf = ({ secret, founder }: Room): string =>
  founder === undefined ? `room=${secret}` : `room=${secret}&founder=${founder}`;

const roomOf = (secret: Bytes): Room => {
  const id = roomIdOf(secret);
  return { id, secret: toBase64url(secret), name: roomName(id) };
};

const swarmOf = (secret: Bytes, founder: string): Result<Room, Fault<'room-link'>> => {
  const bytes = fromBase64url(founder);
  if (!bytes || bytes.byteLength !== founderBytes) {
    return err(
      fault(
        'room-link',
        `the founder in this link has ${founder.length} characters instead of 43: ask for it again`,
      ),
    );
  }
  const id = swarmIdOf(secret, bytes);
  return ok({ id, secret: toBase64url(secret), name: roomName(id), founder: founder as AccountId });
};

/** Two words, so that people can tell rooms apart aloud; not a secret and not unique. */
export const roomName = (id: RoomId): string => {
  const bytes = fromBase64url(id) ?? new Uint8Array(2);
  const adjective = adjectives[(bytes[0] ?? 0) % adjectives.length];
  const noun = nouns[(bytes[1] ?? 0) % nouns.length];
  return `${adjective} ${noun}`;
};

const adjectives =
  'Amber Bright Calm Clear Copper Early Evening Faraway Gentle Golden Green Hidden High Hollow Kindly Lantern Late Little Long Merry Misty Morning Northern Old Open Quiet Red River Silver Southern Still Sunny Tall Warm Western White Wide Wild Willow Winter'.split(
    ' ',
  );
const nouns =
  'Bay Bridge Brook Chapel Cove Crossing Dale Farm Fen Ferry Field Ford Garden Gate Glen Grove Harbour Haven Heath Hill Hollow Inn Island Lane Lake Landing Mead Meadow Mill Moor Orchard Pass Pond Quay Ridge Shore Spring Square Valley Well Wharf Wood'.split(
    ' ',
  );
