import { describe, expect, it } from 'vitest';
import type { PeerId } from '../../core/brand.ts';
import {
  initialPlumtree,
  type PlumtreeEffect,
  type PlumtreeEvent,
  type PlumtreeMessage,
  plumtreeDefaults,
  stepPlumtree,
} from './plumtree.ts';
import { hasSeen, nothingSeen, withSeen } from './seen.ts';

const [a, b, c] = ['a', 'b', 'c'] as PeerId[] as [PeerId, PeerId, PeerId];

const createRig = (neighbors: readonly PeerId[] = [a, b, c]) => {
  let state = initialPlumtree<string>();
  const rig = {
    state: () => state,
    take(event: PlumtreeEvent<string>): readonly PlumtreeEffect<string>[] {
      const before = structuredClone(state);
      const given = state;
      const [next, effects] = stepPlumtree(
        state,
        event,
        { random: { next: () => 0 }, rtt: (peer) => ({ a: 90, b: 20 })[peer as string] },
        { ...plumtreeDefaults, kept: 4 },
      );
      expect(given).toEqual(before);
      state = next;
      return effects;
    },
    hear: (from: PeerId, message: PlumtreeMessage<string>) => rig.take({ t: 'received', from, message }),
  };
  for (const peer of neighbors) rig.take({ t: 'neighbor-up', peer });
  return rig;
};

const payload = (id: string, repair = false): PlumtreeMessage<string> => ({
  t: 'gossip',
  id,
  hops: 1,
  message: `text of ${id}`,
  repair,
});
const said = (effects: readonly PlumtreeEffect<string>[]) =>
  effects.map((effect) => (effect.t === 'send' ? `${effect.message.t} to ${effect.to}` : effect.t));

describe('the broadcast tree', () => {
  it('passes on what is new to everybody but the one it came from, and delivers it once', () => {
    const rig = createRig();
    expect(said(rig.hear(a, payload('1')))).toEqual(['deliver', 'gossip to b', 'gossip to c']);
    expect(said(rig.hear(b, payload('1')))).toEqual(['prune to b']);
    expect(rig.state()).toMatchObject({ eager: ['a', 'c'], lazy: ['b'] });
  });

  it('announces beside the tree', () => {
    const rig = createRig();
    rig.hear(b, { t: 'prune' });
    expect(said(rig.take({ t: 'broadcast', id: '1', message: 'x' }))).toEqual([
      'deliver',
      'gossip to a',
      'gossip to c',
      'ihave to b',
    ]);
  });

  it('asks the nearest who announced it when a message does not come, then the next, and says who did not keep its word', () => {
    const rig = createRig();
    expect(rig.hear(a, { t: 'ihave', ids: ['1'] })).toEqual([{ t: 'wait', id: '1', ms: 350 }]);
    expect(rig.hear(b, { t: 'ihave', ids: ['1'] })).toEqual([]);
    expect(said(rig.take({ t: 'overdue', id: '1' }))).toEqual(['graft to b', 'wait']);
    expect(said(rig.take({ t: 'overdue', id: '1' }))).toEqual(['broken-promise', 'graft to a', 'wait']);
    rig.hear(a, payload('1'));
    expect(rig.take({ t: 'overdue', id: '1' })).toEqual([]);
  });

  it('takes a link back into the tree that was asked for', () => {
    const rig = createRig();
    rig.take({ t: 'broadcast', id: '1', message: 'x' });
    rig.hear(b, { t: 'prune' });
    expect(said(rig.hear(b, { t: 'graft', id: '1' }))).toEqual(['gossip to b']);
    expect(rig.state().eager).toContain(b);
  });

  it('finds by comparison what neither tree nor announcement brought, without changing the tree', () => {
    const [one, other] = [createRig([a]), createRig([a])];
    one.take({ t: 'broadcast', id: '1', message: 'x' });
    other.take({ t: 'broadcast', id: '2', message: 'y' });
    const [asking] = one.take({ t: 'tick' });
    const summary = (asking as Extract<typeof asking, { t: 'send' }>).message;
    const [holding] = other.hear(a, summary);
    const answer = one.hear(a, (holding as Extract<typeof holding, { t: 'send' }>).message);
    expect(said(answer)).toEqual(['pull to a', 'ihave to a']);
    expect(said(other.hear(a, { t: 'pull', ids: ['2', 'unknown'] }))).toEqual(['gossip to a']);
    expect(said(one.hear(a, payload('2', true)))[0]).toBe('deliver');
    expect(one.hear(a, payload('2', true))).toEqual([]);
    one.hear(a, { t: 'prune' });
    one.hear(a, payload('3', true));
    expect(one.state().lazy).toEqual([a]);
  });

  it('says nothing more when both hold the same, in whatever order it came', () => {
    const [one, other] = [createRig([a]), createRig([a])];
    for (const id of ['1', '2']) one.hear(a, payload(id));
    for (const id of ['2', '1']) other.hear(a, payload(id));
    const [asking] = one.take({ t: 'tick' });
    expect(other.hear(a, (asking as Extract<typeof asking, { t: 'send' }>).message)).toEqual([]);
  });

  it('hears nobody who is no neighbour', () => {
    expect(createRig([a]).hear(b, payload('1'))).toEqual([]);
  });

  it('has bounded memory, whatever is announced', () => {
    const rig = createRig();
    for (let i = 0; i < 600; i++) rig.hear(a, { t: 'ihave', ids: [0, 1, 2, 3, 4].map((n) => `${i}-${n}`) });
    for (let i = 0; i < 50; i++) rig.hear(a, payload(`m${i}`));
    expect(rig.state().missing.size).toBeLessThanOrEqual(plumtreeDefaults.missing);
    expect(rig.state().kept.size).toBe(4);
  });
});

describe('what was seen', () => {
  it('remembers the last ones and forgets whole pieces, oldest first', () => {
    let seen = nothingSeen<number>();
    for (let i = 0; i < 1_000; i++) seen = withSeen(seen, i, 4);
    expect(hasSeen(seen, 999)).toBe(true);
    expect(hasSeen(seen, 800)).toBe(true);
    expect(hasSeen(seen, 600)).toBe(false);
    expect(seen.pieces).toHaveLength(4);
  });
});
