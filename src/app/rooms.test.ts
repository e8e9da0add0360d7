import { describe, expect, it } from 'vitest';
import { accountIdOf, createRoom, formatRoomLink, foundSwarm } from '../identity/index.ts';
import { chooseRoom, keptRoom } from './rooms.ts';

const random = { bytes: (length: number) => new Uint8Array(length).fill(3), next: () => 0.5 };
const other = { bytes: (length: number) => new Uint8Array(length).fill(4), next: () => 0.5 };
const founded = foundSwarm(random, accountIdOf(new Uint8Array(32)));
const swarm = founded.ok ? founded.value : createRoom(random);

describe('the room of a page', () => {
  it('is the one in its address, open or private', () => {
    const hash = new URL(formatRoomLink('https://host.example/', swarm)).hash;
    expect(chooseRoom({ hash, last: keptRoom(createRoom(other)) }, other).room).toEqual(swarm);
  });

  it('is the one last used, with its founder', () => {
    expect(chooseRoom({ hash: '', last: keptRoom(swarm) }, other).room).toEqual(swarm);
    const open = createRoom(random);
    expect(chooseRoom({ hash: '', last: { ...keptRoom(swarm), ...keptRoom(open) } }, other).room).toEqual(
      open,
    );
  });

  it('is another than a damaged link says, and that is said', () => {
    const chosen = chooseRoom({ hash: `#room=${swarm.secret}&founder=short`, last: keptRoom(swarm) }, other);
    expect(chosen).toEqual({ room: swarm, problem: expect.stringContaining('founder in this link') });
  });

  it('is a new one at first', () => {
    expect(chooseRoom({ hash: '', last: {} }, other)).toEqual({
      room: createRoom(other),
      problem: undefined,
    });
  });
});
