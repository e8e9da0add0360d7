import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PeerId, RoomId } from '../src/core/brand.ts';
import { findInRoom, joinRoom, leaveRoom, noRooms, type Rooms } from './rooms.ts';

const room = 'room' as RoomId;
const other = 'other room' as RoomId;
const ana = 'ana' as PeerId;
const ben = 'ben' as PeerId;

const joined = (rooms: Rooms, where: RoomId, peer: PeerId, connection: number) => {
  const outcome = joinRoom(rooms, where, peer, connection);
  if (outcome.kind !== 'joined') throw new Error('full');
  return outcome;
};

describe('rooms', () => {
  it('tell a newcomer who is here, and leave the old state as it was', () => {
    const first = joined(noRooms, room, ana, 1);
    const second = joined(first.rooms, room, ben, 2);
    expect([first.others, second.others]).toEqual([[], [ana]]);
    expect(findInRoom(first.rooms, room, ben)).toBeUndefined();
    expect(noRooms.size).toBe(0);
  });

  it('take twelve, and a thirteenth only in place of itself', () => {
    let rooms = noRooms;
    for (let i = 0; i < 12; i++) ({ rooms } = joined(rooms, room, `peer ${i}` as PeerId, i));
    expect(joinRoom(rooms, room, ana, 99)).toEqual({ kind: 'full', limit: 12 });
    expect(joined(rooms, room, 'peer 3' as PeerId, 99)).toMatchObject({ replaced: 3 });
    expect(joined(rooms, other, ana, 99).others).toEqual([]);
  });

  it('do not let a replaced connection take its peer along when it closes', () => {
    const before = joined(noRooms, room, ana, 1);
    const after = joined(before.rooms, room, ana, 2);
    expect(after).toMatchObject({ replaced: 1, others: [] });
    expect(leaveRoom(after.rooms, room, ana, 1)).toEqual({ rooms: after.rooms, left: false });
    expect(findInRoom(after.rooms, room, ana)).toBe(2);
  });

  it('reach nobody across rooms', () => {
    const { rooms } = joined(joined(noRooms, room, ana, 1).rooms, other, ben, 2);
    expect(findInRoom(rooms, room, ben)).toBeUndefined();
    expect(findInRoom(rooms, other, ben)).toBe(2);
  });

  it('keep nothing of those who left, whatever the order of coming and going', () => {
    const visit = fc.record({
      where: fc.constantFrom(room, other),
      peer: fc.constantFrom(ana, ben, 'cai' as PeerId),
    });
    fc.assert(
      fc.property(fc.array(visit, { maxLength: 30 }), fc.nat(), (visits, stagger) => {
        let rooms = noRooms;
        visits.forEach(({ where, peer }, id) => {
          ({ rooms } = joined(rooms, where, peer, id));
          const early = visits[id - (stagger % 3)];
          if (early) ({ rooms } = leaveRoom(rooms, early.where, early.peer, id - (stagger % 3)));
        });
        visits.forEach(({ where, peer }, id) => {
          ({ rooms } = leaveRoom(rooms, where, peer, id));
        });
        expect(rooms.size).toBe(0);
      }),
    );
  });
});
