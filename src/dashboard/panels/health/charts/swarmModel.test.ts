import { expect, it } from 'vitest';
import { peersOf } from './swarmModel.ts';

it('lists who shares once, as it was heard last, in order of name', () => {
  const measured = { count: 1, p50: 1, p95: 1, p99: 1, max: 1 };
  const metric = (name: string, peers: readonly (readonly [string, string, number])[]) => ({
    name,
    description: undefined,
    together: undefined,
    peers: peers.map(([peer, called, at]) => ({ peer, name: called, at, measured })),
  });
  const found = peersOf([
    metric('a', [
      ['2', 'Zoe', 5],
      ['1', 'Old name', 3],
    ]),
    metric('b', [['1', 'Anna', 9]]),
  ]);
  expect(found).toEqual([
    { peer: '1', name: 'Anna', at: 9 },
    { peer: '2', name: 'Zoe', at: 5 },
  ]);
});
