import type { Random } from '../core/ports/random.ts';
import { createRoom, parseRoomLink, type Room } from '../identity/index.ts';
import type { Settings } from './settings.ts';

export type RoomChoice = {
  readonly room: Room;
  /** The link in the address could not be used; said, and the last or a new room taken instead. */
  readonly problem: string | undefined;
};

type KeptRoom = Pick<Settings, 'roomSecret' | 'roomFounder'>;

/** What is kept to come back to a room. Both members always: an open room must not keep the last one's founder. */
export const keptRoom = ({ secret, founder }: Room): KeptRoom => ({
  roomSecret: secret,
  roomFounder: founder,
});

/** The room in the address wins, then the one last used; else a new one nobody can guess. */
export const chooseRoom = (
  input: { readonly hash: string; readonly last: KeptRoom },
  random: Random,
): RoomChoice => {
  const named = input.hash.includes('room=') ? parseRoomLink(input.hash) : undefined;
  if (named?.ok) return { room: named.value, problem: undefined };
  const { roomSecret, roomFounder } = input.last;
  const founder = roomFounder === undefined ? '' : `&founder=${roomFounder}`;
  const last = roomSecret === undefined ? undefined : parseRoomLink(`#room=${roomSecret}${founder}`);
  return {
    room: last?.ok ? last.value : createRoom(random),
    problem: named?.error.message,
  };
};
