import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The room in the printed link, so that everybody who opens it meets in one place. Kept on the host's disk only
 * (mode 0600): the link's fragment never travels to the server.
 */
export const openRoomSecret = async (folder: string, renew: boolean): Promise<string> => {
  const path = join(folder, 'room');
  if (!renew) {
    const kept = await readFile(path, 'utf8').catch(() => '');
    if (/^[A-Za-z0-9_-]{22}$/.test(kept.trim())) return kept.trim();
  }
  const secret = randomBytes(16).toString('base64url');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(path, `${secret}\n`, { mode: 0o600 });
  return secret;
};
