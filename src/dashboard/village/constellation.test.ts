import { describe, expect, it } from 'vitest';
import type { PeerId } from '../../core/brand.ts';
import { hopsOf, layoutConstellation, linksPath } from './constellation.ts';

const id = (name: string) => name as PeerId;
const self = id('self');
const peer = (name: string, link: 'neighbor' | 'none', neighbors: readonly string[]) => ({
  status: { peer: id(name) },
  link,
  neighbors: neighbors.map((other) => ({ peer: id(other), rtt: 5 })),
});
const margin = { x: 40, top: 30, bottom: 60 };
const size = { width: 900, height: 500 };
const crowd = (count: number) =>
  Array.from({ length: count }, (_, i) =>
    peer(`peer ${i}`, i % 20 === 0 ? 'neighbor' : 'none', [
      `peer ${(i + 1) % count}`,
      `peer ${(i * 7) % count}`,
    ]),
  );

describe('a constellation', () => {
  it('counts hops by what either end says of a link', () => {
    const peers = [
      peer('near', 'neighbor', []),
      peer('next', 'none', ['near']),
      peer('far', 'none', ['next']),
      peer('lost', 'none', []),
    ];
    expect([...hopsOf(peers)]).toEqual([
      ['near', 1],
      ['next', 2],
      ['far', 3],
      ['lost', 4],
    ]);
  });

  it('draws two hundred inside the margins, neighbours inside and the others around them', () => {
    const { self: center, stars } = layoutConstellation(self, crowd(200), size, margin);
    expect(stars).toHaveLength(200);
    const reach = ({ at }: (typeof stars)[number]) =>
      Math.hypot(
        (at.x - center.x) / (size.width / 2 - margin.x),
        (at.y - center.y) / ((size.height - 90) / 2),
      );
    for (const star of stars) {
      expect(reach(star)).toBeLessThanOrEqual(1.001);
      if (star.hops === 1) expect(reach(star)).toBeLessThan(0.5);
      else expect(reach(star)).toBeGreaterThanOrEqual(0.6);
    }
  });

  it('moves nobody who is no neighbour when somebody comes or goes', () => {
    const before = layoutConstellation(self, crowd(60), size, margin);
    const grown = [...crowd(60), peer('new', 'none', ['peer 0'])];
    const after = layoutConstellation(self, grown, size, margin);
    expect(after.stars.slice(0, 60)).toEqual(before.stars);
  });

  it('names each link once, whoever tells of it, and none to the unknown', () => {
    const peers = [peer('a', 'neighbor', ['b', 'stranger']), peer('b', 'none', ['a'])];
    const { links, stars } = layoutConstellation(self, peers, size, margin);
    expect(links).toEqual([
      [self, 'a'],
      ['a', 'b'],
    ]);
    const path = linksPath(links, (one) => stars.find((star) => star.peer === one)?.at ?? { x: 0, y: 0 });
    expect(path.match(/M/g)).toHaveLength(2);
  });
});
