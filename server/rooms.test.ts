import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PeerId, RoomId } from '../src/core/brand.ts';
import { createTestRandom } from '../src/mesh/testDoubles.ts';
import type { ProcessId } from './busProtocol.ts';
import { createRooms } from './rooms.ts';

const room = 'room' as RoomId;
const other = 'other room' as RoomId;
const ana = 'ana' as PeerId;
const ben = 'ben' as PeerId;
const peer = (i: number) => `peer ${i}` as PeerId;
const create = (maxPeersPerRoom = 12) => createRooms({ random: createTestRandom() }, { maxPeersPerRoom });

/** Within five standard deviations of a binomial count: what chance keeps to, and a bias does not. */
const expectEven = (draws: readonly (PeerId | undefined)[], among: number) => {
  const countsByPeer = new Map<PeerId | undefined, number>();
  for (const one of draws) countsByPeer.set(one, (countsByPeer.get(one) ?? 0) + 1);
  expect(countsByPeer.size).toBe(among);
  const expected = draws.length / among;
  const farthest = Math.max(...[...countsByPeer.values()].map((count) => Math.abs(count - expected)));
  expect(farthest).toBeLessThan(5 * Math.sqrt(expected));
};

describe('rooms', () => {
  it('name the others to a newcomer, and never itself', () => {
    const rooms = create();
    rooms.join(room, ana, 1);
    expect(rooms.sample(room, 8, ana)).toEqual([]);
    rooms.join(room, ben, 2);
    expect(rooms.sample(room, 8, ben)).toEqual([ana]);
    expect(rooms.sample(other, 8, ana)).toEqual([]);
  });

  it('take so many, and one more only in place of itself', () => {
    const rooms = create();
    for (let i = 0; i < 12; i++) rooms.join(room, peer(i), i);
    expect(rooms.join(room, ana, 99)).toEqual({ kind: 'full', limit: 12 });
    expect(rooms.join(room, peer(3), 99)).toEqual({ kind: 'joined', replaced: 3 });
    expect(rooms.join(other, ana, 99)).toEqual({ kind: 'joined' });
    expect(rooms.load()).toEqual({ rooms: 2, peers: 13, elsewhere: 0 });
  });

  it('do not let a replaced connection take its peer along when it closes', () => {
    const rooms = create();
    rooms.join(room, ana, 1);
    expect(rooms.join(room, ana, 2)).toMatchObject({ replaced: 1 });
    rooms.leave(room, ana, 1);
    expect(rooms.find(room, ana)).toBe(2);
  });

  it('reach nobody across rooms', () => {
    const rooms = create();
    rooms.join(room, ana, 1);
    rooms.join(other, ben, 2);
    expect(rooms.find(room, ben)).toBeUndefined();
    expect(rooms.find(other, ben)).toBe(2);
  });

  it('hold peers of other processes like their own, as long as one of their own is there', () => {
    const rooms = create(2);
    const [far, farther] = ['far' as ProcessId, 'farther' as ProcessId];
    expect(rooms.admit(room, ana, far)).toBeUndefined();
    rooms.join(room, ben, 1);
    expect(rooms.admit(room, ana, far)).toEqual({});
    expect([rooms.find(room, ana), rooms.sample(room, 8, ben)]).toEqual([far, [ana]]);
    expect(rooms.join(room, peer(3), 2)).toEqual({ kind: 'full', limit: 2 });
    expect(rooms.admit(room, ana, farther)).toEqual({ replaced: far });
    expect(rooms.leave(room, ana, far)).toBe(false);
    expect(rooms.join(room, ana, 3)).toEqual({ kind: 'joined', replaced: farther });
    expect(rooms.admit(room, ana, far)).toEqual({ replaced: 3 });
    expect(rooms.load()).toEqual({ rooms: 1, peers: 1, elsewhere: 1 });
    expect(rooms.leave(room, ben, 1)).toBe(true);
    expect([rooms.exists(room), rooms.load()]).toEqual([false, { rooms: 0, peers: 0, elsewhere: 0 }]);
  });

  it('forget a room whose last own peer is replaced by one elsewhere', () => {
    const rooms = create();
    rooms.join(room, ana, 1);
    expect(rooms.admit(room, ana, 'far' as ProcessId)).toEqual({ replaced: 1 });
    expect([rooms.exists(room), rooms.load().elsewhere]).toEqual([false, 0]);
  });

  it('remember no more of others than they were told to', () => {
    const rooms = createRooms({ random: createTestRandom() }, { maxPeersPerRoom: 12, maxPeersElsewhere: 3 });
    rooms.join(room, ana, 1);
    const admitted = Array.from({ length: 5 }, (_, i) => rooms.admit(room, peer(i), 'far' as ProcessId));
    expect(admitted.map((outcome) => outcome !== undefined)).toEqual([true, true, true, false, false]);
    expect(rooms.load().elsewhere).toBe(3);
  });

  it('draw different others, each about as often and as often first, also after many have left', () => {
    const rooms = create(1_000);
    for (let i = 0; i < 150; i++) rooms.join(room, peer(i), i);
    for (let i = 0; i < 150; i += 3) rooms.leave(room, peer(i), i);
    const samples = Array.from({ length: 5_000 }, () => rooms.sample(room, 8, peer(50)));
    expect(samples.filter((sample) => new Set(sample).size !== 8)).toEqual([]);
    expect(samples.flat()).not.toContain(peer(50));
    expectEven(samples.flat(), 99);
    expectEven(
      samples.map(([first]) => first),
      99,
    );
  });

  it('name no one first of all in a small room, which is named whole', () => {
    const rooms = create();
    for (let i = 0; i < 9; i++) rooms.join(room, peer(i), i);
    const samples = Array.from({ length: 2_000 }, () => rooms.sample(room, 8, peer(8)));
    expect(samples.filter((sample) => new Set(sample).size !== 8)).toEqual([]);
    expectEven(
      samples.map(([first]) => first),
      8,
    );
  });

  it('know who is there whatever the order of coming and going, and keep nothing of those who left', () => {
    const visit = fc.record({ where: fc.constantFrom(room, other), who: fc.nat(6), leaves: fc.boolean() });
    fc.assert(
      fc.property(fc.array(visit, { maxLength: 40 }), (visits) => {
        const rooms = create();
        const expected = new Map<string, { where: RoomId; who: PeerId; id: number }>();
        visits.forEach(({ where, who, leaves }, id) => {
          const key = `${where} ${who}`;
          const present = expected.get(key);
          if (leaves && present) {
            rooms.leave(where, peer(who), present.id);
            expected.delete(key);
          } else {
            rooms.join(where, peer(who), id);
            expected.set(key, { where, who: peer(who), id });
          }
        });
        const there = [...expected.values()];
        for (const { where, who, id } of there) {
          expect(rooms.find(where, who)).toBe(id);
          const others = there.filter((one) => one.where === where && one.who !== who).map((one) => one.who);
          expect(new Set(rooms.sample(where, 20, who))).toEqual(new Set(others));
        }
        for (const { where, who, id } of there) rooms.leave(where, who, id);
        expect(rooms.load()).toEqual({ rooms: 0, peers: 0, elsewhere: 0 });
      }),
    );
  });
});
