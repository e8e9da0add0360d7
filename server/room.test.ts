import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseRoomLink } from '../src/identity/roomLink.ts';
import { createNodeRandom } from '../src/platform/node/index.ts';
import { openRoomSecret } from './room.ts';

const random = createNodeRandom();
let folder: string;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'aivillage-room-')), 'host');
});
afterEach(() => rm(join(folder, '..'), { recursive: true }));

describe('the printed room', () => {
  it('is one that the page understands', async () => {
    const secret = await openRoomSecret(random, folder, false);
    expect(parseRoomLink(`http://localhost/#room=${secret}`)).toMatchObject({ ok: true, value: { secret } });
  });

  it('stays over restarts, until somebody wants a new one', async () => {
    const first = await openRoomSecret(random, folder, false);
    expect(await openRoomSecret(random, folder, false)).toBe(first);
    const second = await openRoomSecret(random, folder, true);
    expect(second).not.toBe(first);
    expect(await openRoomSecret(random, folder, false)).toBe(second);
  });

  it('is one room for hosts that start at the same moment', async () => {
    const secrets = await Promise.all(Array.from({ length: 8 }, () => openRoomSecret(random, folder, false)));
    expect(new Set(secrets).size).toBe(1);
    expect(await readdir(folder)).toEqual(['room']);
  });

  it('is made again where the file is damaged', async () => {
    await openRoomSecret(random, folder, false);
    await writeFile(join(folder, 'room'), 'half a secr');
    const secret = await openRoomSecret(random, folder, false);
    expect(secret).toHaveLength(22);
    expect(await openRoomSecret(random, folder, false)).toBe(secret);
  });

  it('is for the host’s user alone', async () => {
    await openRoomSecret(random, folder, false);
    expect((await stat(join(folder, 'room'))).mode & 0o077).toBe(0);
    expect((await stat(folder)).mode & 0o077).toBe(0);
  });
});
