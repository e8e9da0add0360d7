import type { Random } from '../core/ports/random.ts';
import { createRoom, parseRoomLink, type Room } from '../identity/index.ts';

export type RoomChoice = {
  readonly room: Room;
  /** The link in the address could not be used; said, and the last or a new room taken instead. */
  readonly problem: string | undefined;
};

/** The room in the address wins, then the one last used; else a new one nobody can guess. */
export const chooseRoom = (
  input: { readonly hash: string; readonly lastSecret: string | undefined },
  random: Random,
): RoomChoice => {
  const named = input.hash.includes('room=') ? parseRoomLink(input.hash) : undefined;
  if (named?.ok) return { room: named.value, problem: undefined };
  const last = input.lastSecret === undefined ? undefined : parseRoomLink(input.lastSecret);
  return {
    room: last?.ok ? last.value : createRoom(random),
    problem: named?.error.message,
  };
};
