import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PeerId } from '../../core/brand.ts';
import { initialPlumtree, stepPlumtree } from './plumtree.ts';
import {
  type BroadcastItem,
  type PlumtreeEffect,
  type PlumtreeEvent,
  type PlumtreeMessage,
  plumtreeDefaults,
} from './plumtreeTypes.ts';

const [a, b, c] = ['a', 'b', 'c'] as PeerId[] as [PeerId, PeerId, PeerId];
const kept = 4;
const missing = 32;

const createRig = (neighbors: readonly PeerId[] = [a, b, c]) => {
  let state = initialPlumtree<BroadcastItem>();
  const rig = {
    state: () => state,
    kept: () => state.kept.entries.map(({ id }) => id),
    take(event: PlumtreeEvent<BroadcastItem>): readonly PlumtreeEffect<BroadcastItem>[] {
      const before = structuredClone(state);
      const given = state;
      const [next, effects] = stepPlumtree(
        state,
        event,
        { random: { next: () => 0 }, rtt: (peer) => ({ a: 90, b: 20 })[peer as string] },
        { ...plumtreeDefaults, kept, missing },
      );
      expect(given).toEqual(before);
      state = next;
      return effects;
    },
    hear: (from: PeerId, message: PlumtreeMessage<BroadcastItem>) =>
      rig.take({ t: 'received', from, message }),
    say: (id: string, item: Partial<BroadcastItem> = {}) =>
      rig.take({ t: 'broadcast', id, message: { at: 1_000, critical: false, ...item } }),
    tick: (now = 1_000) => rig.take({ t: 'tick', now }),
    /** What it tells its first neighbour of what it keeps. */
    summary: () => (rig.tick()[0] as Extract<PlumtreeEffect<BroadcastItem>, { t: 'send' }>).message,
  };
  for (const peer of neighbors) rig.take({ t: 'neighbor-up', peer });
  return rig;
};

const gossip = (
  id: string,
  { repair = false, ...item }: Partial<BroadcastItem & { repair: boolean }> = {},
): PlumtreeMessage<BroadcastItem> => ({
  t: 'gossip',
  id,
  hops: 1,
  message: { at: 1_000, critical: false, ...item },
  repair,
});
const said = (effects: readonly PlumtreeEffect<BroadcastItem>[]) =>
  effects.map((effect) => (effect.t === 'send' ? `${effect.message.t} to ${effect.to}` : effect.t));
const sent = (effects: readonly PlumtreeEffect<BroadcastItem>[]) =>
  effects.flatMap((effect) => (effect.t === 'send' ? [effect.message] : []));

describe('the broadcast tree', () => {
  it('passes on what is new to everybody but the one it came from, and delivers it once', () => {
    const rig = createRig();
    expect(said(rig.hear(a, gossip('1')))).toEqual(['deliver', 'gossip to b', 'gossip to c']);
    expect(said(rig.hear(b, gossip('1')))).toEqual(['prune to b']);
    expect(rig.state()).toMatchObject({ eager: ['a', 'c'], lazy: ['b'] });
  });

  it('learns the same from a duplicate that nobody checked again', () => {
    const rig = createRig();
    rig.hear(a, gossip('1'));
    expect(said(rig.take({ t: 'duplicate', from: b, id: '1', repair: false }))).toEqual(['prune to b']);
    expect(rig.take({ t: 'duplicate', from: c, id: '1', repair: true })).toEqual([]);
    expect(rig.take({ t: 'duplicate', from: 'd' as PeerId, id: '1', repair: false })).toEqual([]);
    expect(rig.state()).toMatchObject({ eager: ['a', 'c'], lazy: ['b'] });
  });

  it('announces beside the tree, a moment later and all of that moment together', () => {
    const rig = createRig();
    rig.hear(b, { t: 'prune' });
    const first = rig.say('1');
    expect(said(first)).toEqual(['deliver', 'announce-after', 'gossip to a', 'gossip to c']);
    expect(first).toContainEqual({ t: 'announce-after', ms: plumtreeDefaults.collect });
    expect(said(rig.say('2'))).toEqual(['deliver', 'gossip to a', 'gossip to c']);
    expect(rig.take({ t: 'announce' })).toEqual([
      { t: 'send', to: b, message: { t: 'ihave', ids: ['1', '2'] } },
    ]);
    expect(said(rig.say('3'))).toContain('announce-after');
  });

  it('announces nothing to who has it: who announced it, and who sent it', () => {
    const rig = createRig();
    rig.hear(b, { t: 'prune' });
    rig.hear(c, { t: 'prune' });
    rig.hear(b, { t: 'ihave', ids: ['1'] });
    for (const id of ['1', '2', '3']) rig.say(id);
    rig.hear(b, { t: 'ihave', ids: ['2'] });
    rig.take({ t: 'duplicate', from: c, id: '3', repair: false });
    expect(rig.take({ t: 'announce' })).toEqual([
      { t: 'send', to: c, message: { t: 'ihave', ids: ['1', '2'] } },
      { t: 'send', to: b, message: { t: 'ihave', ids: ['3'] } },
    ]);
  });

  it('announces nothing when all have it, nor to who has gone, and waits again afterwards', () => {
    const rig = createRig([a, b]);
    for (const peer of [a, b]) rig.hear(peer, { t: 'prune' });
    rig.say('1');
    rig.hear(a, { t: 'ihave', ids: ['1'] });
    rig.take({ t: 'neighbor-down', peer: b });
    expect(said(rig.say('2'))).toEqual(['deliver']);
    expect(sent(rig.take({ t: 'announce' }))).toEqual([{ t: 'ihave', ids: ['2'] }]);
    expect(said(rig.say('3'))).toEqual(['deliver', 'announce-after']);
  });

  it('announces at once when much has come together, and never more than fits', () => {
    const rig = createRig([a]);
    rig.hear(a, { t: 'prune' });
    const { collected } = plumtreeDefaults;
    const announced = Array.from({ length: 2 * collected }, (_, i) => sent(rig.say(`${i}`))).flat();
    expect(announced.map((message) => message.t === 'ihave' && message.ids.length)).toEqual([
      collected,
      collected,
    ]);
    expect(rig.take({ t: 'announce' })).toEqual([]);
  });

  it('asks the nearest who announced it when a message does not come, then the next, and says who did not keep its word', () => {
    const rig = createRig();
    expect(rig.hear(a, { t: 'ihave', ids: ['1'] })).toEqual([{ t: 'wait', id: '1', ms: 250 }]);
    expect(rig.hear(b, { t: 'ihave', ids: ['1'] })).toEqual([]);
    expect(said(rig.take({ t: 'overdue', id: '1' }))).toEqual(['graft to b', 'wait']);
    expect(said(rig.take({ t: 'overdue', id: '1' }))).toEqual(['broken-promise', 'graft to a', 'wait']);
    rig.hear(a, gossip('1'));
    expect(rig.take({ t: 'overdue', id: '1' })).toEqual([]);
  });

  it('blames nobody for a message that came and could not be used', () => {
    const rig = createRig();
    rig.hear(a, { t: 'ihave', ids: ['1'] });
    rig.take({ t: 'overdue', id: '1' });
    rig.take({ t: 'dropped', id: '1' });
    expect(rig.take({ t: 'overdue', id: '1' })).toEqual([]);
  });

  it('takes a link back into the tree that was asked for', () => {
    const rig = createRig();
    rig.say('1');
    rig.hear(b, { t: 'prune' });
    expect(said(rig.hear(b, { t: 'graft', id: '1' }))).toEqual(['gossip to b']);
    expect(rig.state().eager).toContain(b);
  });

  it('hears nobody who is no neighbour', () => {
    expect(createRig([a]).hear(b, gossip('1'))).toEqual([]);
  });

  it('has bounded memory, whatever is announced', () => {
    const rig = createRig();
    for (let i = 0; i < missing; i++) rig.hear(a, { t: 'ihave', ids: [`${i}-0`, `${i}-1`] });
    for (let i = 0; i < 2 * kept; i++) rig.hear(a, gossip(`m${i}`));
    expect(rig.state().missing.size).toBe(missing);
    expect(rig.kept()).toHaveLength(kept);
  });
});

describe('a critical message', () => {
  it('goes along every link at once', () => {
    const rig = createRig();
    rig.hear(b, { t: 'prune' });
    expect(said(rig.say('1', { critical: true }))).toEqual([
      'deliver',
      'gossip to a',
      'gossip to c',
      'gossip to b',
    ]);
    expect(said(rig.hear(a, gossip('2', { critical: true })))).toEqual([
      'deliver',
      'gossip to c',
      'gossip to b',
    ]);
  });

  it('leaves the tree as it is, first or again', () => {
    const rig = createRig();
    rig.hear(b, { t: 'prune' });
    const { eager, lazy } = rig.state();
    rig.hear(b, gossip('1', { critical: true }));
    for (const peer of [a, b, c]) expect(rig.hear(peer, gossip('1', { critical: true }))).toEqual([]);
    expect(rig.take({ t: 'duplicate', from: c, id: '1', repair: false })).toEqual([]);
    expect(rig.state()).toMatchObject({ eager, lazy });
  });
});

describe('what is kept', () => {
  it('is the newest, and of one moment those with the greater ids, in whatever order they came', () => {
    const items = Array.from({ length: 12 }, (_, i) => ({ id: `m${i}`, at: 1_000 + Math.floor(i / 3) }));
    const newest = ['m9', 'm11', 'm10', 'm8']; // as texts
    const order = fc.shuffledSubarray(items, { minLength: items.length });
    fc.assert(
      fc.property(order, order, (one, other) => {
        const [first, second] = [createRig([a]), createRig([a])];
        for (const { id, at } of one) first.hear(a, gossip(id, { at }));
        for (const { id, at } of other) second.hear(a, gossip(id, { at }));
        expect(first.kept().toReversed()).toEqual(newest);
        expect(second.summary()).toEqual(first.summary());
      }),
      { numRuns: 20 },
    );
  });

  it('does not change for an older one, which is delivered and passed on all the same', () => {
    const rig = createRig();
    for (let i = 0; i < kept; i++) rig.hear(a, gossip(`m${i}`, { at: 2_000 + i }));
    const before = rig.summary();
    expect(said(rig.hear(a, gossip('old', { at: 1_999 })))).toEqual([
      'deliver',
      'gossip to b',
      'gossip to c',
    ]);
    expect(rig.summary()).toEqual(before);
    expect(said(rig.hear(b, gossip('old')))).toEqual(['prune to b']);
  });

  it('is forgotten when it is old, in what is told of it too', () => {
    const [empty, rig] = [createRig(), createRig()];
    rig.say('1', { at: 1_000 });
    rig.tick(1_000 + plumtreeDefaults.keepMs);
    expect(rig.kept()).toEqual(['1']);
    const after = rig.tick(1_001 + plumtreeDefaults.keepMs);
    expect(rig.kept()).toEqual([]);
    expect(sent(after)).toEqual([empty.summary()]);
  });
});

describe('the comparison of two neighbours', () => {
  it('finds what neither tree nor announcement brought, without changing the tree', () => {
    const [one, other] = [createRig([a]), createRig([a])];
    one.say('1');
    other.say('2');
    const [holding] = sent(other.hear(a, one.summary()));
    expect(said(one.hear(a, holding!))).toEqual(['pull to a', 'ihave to a']);
    expect(said(other.hear(a, { t: 'pull', ids: ['2', 'unknown'] }))).toEqual(['gossip to a']);
    expect(said(one.hear(a, gossip('2', { repair: true })))[0]).toBe('deliver');
    expect(one.hear(a, gossip('2', { repair: true }))).toEqual([]);
    one.hear(a, { t: 'prune' });
    one.hear(a, gossip('3', { repair: true }));
    expect(one.state().lazy).toEqual([a]);
  });

  it('says nothing more when both hold the same, in whatever order it came', () => {
    const [one, other] = [createRig([a]), createRig([a])];
    for (const id of ['1', '2']) one.hear(a, gossip(id));
    for (const id of ['2', '1']) other.hear(a, gossip(id));
    expect(other.hear(a, one.summary())).toEqual([]);
  });

  it.each([
    ['summary', { t: 'summary', sum: 7 }],
    ['list of what it holds', { t: 'holding', ids: ['x'] }],
    ['pull', { t: 'pull', ids: ['1'] }],
  ] as const)('answers one %s of a neighbour between two ticks', (_name, question) => {
    const rig = createRig();
    rig.say('1');
    expect(rig.hear(a, question)).not.toEqual([]);
    expect(rig.hear(a, question)).toEqual([]);
    expect(rig.hear(b, question)).not.toEqual([]);
    rig.take({ t: 'neighbor-down', peer: a });
    rig.take({ t: 'neighbor-up', peer: a });
    expect(rig.hear(a, question)).toEqual([]);
    rig.tick();
    expect(rig.hear(a, question)).not.toEqual([]);
  });

  it('sends what was asked for once, however often a neighbour names it, and reads no endless list', () => {
    const rig = createRig();
    rig.say('1');
    expect(said(rig.hear(a, { t: 'pull', ids: ['1', '1', '1'] }))).toEqual(['gossip to a']);
    expect(rig.hear(b, { t: 'pull', ids: ['x', 'x', 'x', 'x', '1'] })).toEqual([]);
  });

  it('gives a neighbour who grafts no more than could be missed; the link it gets', () => {
    const rig = createRig();
    rig.say('1');
    rig.hear(a, { t: 'prune' });
    const answers = Array.from({ length: 3 * kept }, () => rig.hear(a, { t: 'graft', id: '1' }).length);
    expect(answers.filter((count) => count > 0)).toHaveLength(kept);
    expect(rig.state().eager).toContain(a);
  });
});
