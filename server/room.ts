import { join } from 'node:path';
import type { Random } from '../src/core/ports/random.ts';
import { createRoom, parseRoomLink } from '../src/identity/roomLink.ts';
import { keep, keepFirst, readKept } from './keep.ts';

/**
 * The room in the printed link, so that everybody who opens it meets in one place. Kept on the host's disk only
 * (mode 0600): the link's fragment never travels to the server.
 */
export const openRoomSecret = async (random: Random, folder: string, renew: boolean): Promise<string> => {
  const path = join(folder, 'room');
  const fresh = createRoom(random).secret;
  const kept = renew ? undefined : await readKept(path);
  if (kept === undefined && !renew) return (await keepFirst(path, `${fresh}\n`)).trim();
  const room = parseRoomLink(kept ?? '');
  if (room.ok) return room.value.secret;
  await keep(path, `${fresh}\n`); // a new one was asked for, or the file is damaged
  return fresh;
};
