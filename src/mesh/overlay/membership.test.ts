import { describe, expect, it } from 'vitest';
import type { PeerId } from '../../core/brand.ts';
import { stepMembership } from './membership.ts';
import {
  initialMembership,
  type MembershipEffect,
  type MembershipEvent,
  type MembershipMessage,
  type MembershipState,
} from './membershipTypes.ts';

const peer = (name: string) => name as PeerId;
const peers = (count: number, prefix = 'p') => Array.from({ length: count }, (_, i) => peer(`${prefix}${i}`));

const createRig = (
  scores: Readonly<Record<string, number>> = {},
  { others = 1_000, costs = {} }: { others?: number; costs?: Readonly<Record<string, number>> } = {},
) => {
  let draw = 0;
  let state: MembershipState = initialMembership(peer('me'));
  const rig = {
    state: () => state,
    take(event: MembershipEvent): readonly MembershipEffect[] {
      const before = structuredClone(state);
      const given = state;
      const [next, effects] = stepMembership(state, event, {
        random: { next: () => (draw = (draw * 7 + 0.37) % 1) },
        score: (one) => scores[one] ?? 0,
        cost: (one) => costs[one] ?? 0,
      });
      expect(given).toEqual(before); // the state that was given stays as it is
      state = next;
      return effects;
    },
    hear: (from: PeerId, message: MembershipMessage) => rig.take({ t: 'received', from, message }),
    /** A neighbour of this node's own choice. */
    choose(one: PeerId) {
      rig.take({ t: 'contacts', peers: [one], others });
      rig.take({ t: 'link-up', peer: one });
      rig.hear(one, { t: 'accepted' });
    },
  };
  rig.take({ t: 'contacts', peers: [], others });
  return rig;
};

const said = (effects: readonly MembershipEffect[]) =>
  effects.flatMap((effect) => (effect.t === 'send' ? [`${effect.message.t} to ${effect.to}`] : []));

describe('membership', () => {
  it('joins by contacts, and is a neighbour only when one agrees', () => {
    const rig = createRig();
    const contact = { t: 'contacts', peers: [peer('a')], others: 1_000 } as const;
    expect(rig.take(contact)).toEqual([{ t: 'connect', peer: 'a' }]);
    expect(said(rig.take({ t: 'link-up', peer: peer('a') }))).toEqual(['neighbor to a']);
    expect(rig.state().active).toEqual([]);
    expect(rig.hear(peer('a'), { t: 'accepted' })).toEqual([{ t: 'neighbor-up', peer: 'a' }]);
    expect(rig.state()).toMatchObject({ active: ['a'], chosen: ['a'] });
  });

  it('takes a newcomer in, as one that came by itself', () => {
    const rig = createRig();
    for (const one of peers(3)) rig.choose(one);
    expect(said(rig.hear(peer('new'), { t: 'neighbor', urgent: true }))).toEqual(['accepted to new']);
    expect(rig.state().active).toContain('new');
    expect(rig.state().chosen).not.toContain('new');
  });

  it('is nobody’s neighbour because of an answer it never asked for', () => {
    const rig = createRig();
    expect(rig.hear(peer('liar'), { t: 'accepted' })).toEqual([]);
    expect(rig.state().active).toEqual([]);
  });

  it('asks those whom a full node names instead', () => {
    const rig = createRig();
    rig.take({ t: 'contacts', peers: [peer('full')], others: 1_000 });
    rig.take({ t: 'link-up', peer: peer('full') });
    const effects = rig.hear(peer('full'), { t: 'declined', peers: peers(2, 'named') });
    expect(effects).toContainEqual({ t: 'connect', peer: 'named0' });
    expect(effects).toContainEqual({ t: 'connect', peer: 'named1' });
    expect(rig.hear(peer('liar'), { t: 'declined', peers: peers(2, 'unasked') })).toEqual([]);
    expect([...rig.state().passive, ...rig.state().pending.keys()]).not.toContain('unasked0');
  });

  it('lets no stranger start shuffles', () => {
    const rig = createRig();
    for (const one of peers(3)) rig.choose(one);
    const stranger = peer('stranger');
    expect(rig.hear(stranger, { t: 'shuffle', peers: [peer('x')], ttl: 3, path: [] })).toEqual([]);
  });

  it('keeps half of its places from those who push themselves in, and never exceeds the cap', () => {
    const rig = createRig();
    for (const one of peers(40, 'pusher')) rig.hear(one, { t: 'neighbor', urgent: true });
    expect(rig.state().active).toHaveLength(6);
    for (const one of peers(40, 'joiner')) rig.hear(one, { t: 'neighbor', urgent: false });
    expect(rig.state().active).toHaveLength(6);
    rig.take({ t: 'contacts', peers: peers(20, 'sampled'), others: 1_000 });
    expect(rig.state().pending.size).toBe(3);
  });

  it('makes room for who asks urgently only if a neighbour serves badly', () => {
    const rig = createRig({ pusher2: -1 });
    for (const one of peers(6, 'pusher')) rig.hear(one, { t: 'neighbor', urgent: true });
    expect(said(rig.hear(peer('late'), { t: 'neighbor', urgent: true }))).toEqual([
      'disconnect to pusher2',
      'accepted to late',
    ]);
  });

  it('replaces a neighbour that is gone, and does not ask the dead again', () => {
    const rig = createRig();
    rig.take({ t: 'contacts', peers: peers(20), others: 1_000 });
    for (const one of rig.state().pending.keys()) {
      rig.take({ t: 'link-up', peer: one });
      rig.hear(one, { t: 'accepted' });
    }
    const gone = rig.state().active[0]!;
    const effects = rig.take({ t: 'link-down', peer: gone });
    expect(effects).toContainEqual({ t: 'neighbor-down', peer: gone });
    const asked = effects.find((effect) => effect.t === 'connect')!.peer;
    expect(asked).not.toBe(gone);
    rig.take({ t: 'link-failed', peer: asked });
    expect(rig.state().passive).not.toContain(asked);
    expect(rig.state().samplers.map((sampler) => sampler.peer)).not.toContain(asked);
  });

  it('lets go late and one a tick: first what it chose beyond its need, then of those who came', () => {
    const rig = createRig();
    for (const one of peers(6, 'own')) rig.choose(one);
    expect(said(rig.take({ t: 'tick' })).join()).not.toContain('disconnect');
    for (const one of peers(6, 'guest')) rig.hear(one, { t: 'neighbor', urgent: true });
    const gone = () => said(rig.take({ t: 'tick' })).filter((one) => one.startsWith('disconnect'));
    expect([gone(), gone(), gone(), gone(), gone()]).toEqual([
      ['disconnect to own5'],
      ['disconnect to own4'],
      ['disconnect to own3'],
      ['disconnect to guest5'],
      [],
    ]);
    expect(rig.state()).toMatchObject({ chosen: ['own0', 'own1', 'own2'] });
    expect(rig.state().active).toHaveLength(8);
  });

  it('takes in who asks as long as it has room: a link that was made is not refused for order', () => {
    const rig = createRig();
    for (const one of peers(6)) rig.choose(one);
    for (const one of peers(6, 'guest')) rig.hear(one, { t: 'neighbor', urgent: false });
    expect(rig.state().active).toHaveLength(12);
    expect(said(rig.hear(peer('late'), { t: 'neighbor', urgent: false }))).toEqual(['declined to late']);
  });

  it('sends a shuffle’s answer back along its walk', () => {
    const rig = createRig();
    for (const one of peers(3)) rig.choose(one);
    const reply = { t: 'shuffle-reply', peers: [peer('x')], path: [peer('p1')] } as const;
    expect(rig.hear(peer('p0'), reply)).toEqual([
      { t: 'send', to: 'p1', message: { t: 'shuffle-reply', peers: ['x'], path: [] } },
    ]);
    expect(rig.state().passive).not.toContain('x');
    const asked = rig.take({ t: 'tick' }).find((one) => one.t === 'send' && one.message.t === 'shuffle');
    rig.hear((asked as { to: PeerId }).to, { ...reply, path: [] });
    expect([...rig.state().passive, ...rig.state().pending.keys()]).toContain('x');
  });

  it('has bounded memory, whoever is named', () => {
    const rig = createRig();
    rig.choose(peer('a'));
    for (let i = 0; i < 500; i++)
      rig.hear(peer('a'), { t: 'shuffle', peers: peers(8, `x${i}-`), ttl: 1, path: [] });
    for (let i = 0; i < 100; i++) rig.take({ t: 'expel', peer: peer(`bad${i}`) });
    const { passive, samplers, pending, expelled } = rig.state();
    expect(passive.length).toBeLessThanOrEqual(36);
    expect(samplers.length).toBe(12);
    expect(pending.size).toBeLessThanOrEqual(6);
    expect(expelled.length).toBe(64);
  });

  const ticksUntilClosed = (rig: ReturnType<typeof createRig>) => {
    for (let ticks = 1; ticks < 20; ticks++)
      if (rig.take({ t: 'tick' }).some(({ t }) => t === 'close')) return ticks;
    return undefined;
  };

  it('gives up a link that is not made, later than whoever makes links: 25 s', () => {
    const rig = createRig();
    rig.take({ t: 'contacts', peers: [peer('mute')], others: 1_000 });
    expect(ticksUntilClosed(rig)).toBe(7);
  });

  it('gives up a link over which nothing is answered', () => {
    const rig = createRig();
    rig.take({ t: 'contacts', peers: [peer('mute')], others: 1_000 });
    rig.take({ t: 'tick' });
    rig.take({ t: 'link-up', peer: peer('mute') });
    expect(ticksUntilClosed(rig)).toBe(4);
  });

  it('asks for a sample of the room when it is nearly alone', () => {
    expect(createRig().take({ t: 'tick' })).toContainEqual({ t: 'find-contacts' });
  });

  it('never again has an expelled peer as a neighbour', () => {
    const rig = createRig();
    rig.choose(peer('a'));
    expect(rig.take({ t: 'expel', peer: peer('a') })).toContainEqual({ t: 'neighbor-down', peer: 'a' });
    expect(rig.hear(peer('a'), { t: 'neighbor', urgent: true })).toEqual([{ t: 'close', peer: 'a' }]);
    rig.take({ t: 'contacts', peers: [peer('a')], others: 1_000 });
    expect(rig.state().pending.size).toBe(0);
  });

  it('believes one answer to one shuffle, and none that it did not ask for', () => {
    const rig = createRig();
    for (const one of peers(3)) rig.choose(one);
    const names = (prefix: string) => ({ t: 'shuffle-reply', peers: peers(4, prefix), path: [] }) as const;
    rig.hear(peer('p0'), names('unasked'));
    const asked = rig.take({ t: 'tick' }).flatMap((one) => (one.t === 'send' ? [one.to] : []))[0]!;
    rig.hear(asked, names('asked'));
    rig.hear(asked, names('again'));
    const known = [...rig.state().passive, ...rig.state().pending.keys()].join();
    expect(known).toContain('asked0');
    expect(known).not.toContain('unasked');
    expect(known).not.toContain('again');
  });

  it('links with everybody in a small room, also with all who come by themselves', () => {
    const rig = createRig({}, { others: 11 });
    rig.take({ t: 'contacts', peers: peers(8), others: 11 });
    expect(rig.state().pending.size).toBe(8);
    for (const one of peers(8)) {
      rig.take({ t: 'link-up', peer: one });
      rig.hear(one, { t: 'accepted' });
    }
    for (const one of peers(3, 'guest')) rig.hear(one, { t: 'neighbor', urgent: false });
    expect(rig.state().active).toHaveLength(11);
    const effects = rig.take({ t: 'tick' });
    expect(said(effects).join()).not.toContain('disconnect');
    expect(effects).not.toContainEqual({ t: 'find-contacts' });
  });

  it('lets go, neighbour by neighbour, when a small room grows large', () => {
    const rig = createRig({}, { others: 11 });
    for (const one of peers(11)) rig.choose(one);
    rig.take({ t: 'contacts', peers: peers(8, 'new'), others: 60 });
    for (let tick = 0; tick < 10; tick++) rig.take({ t: 'tick' });
    expect(rig.state().active).toHaveLength(6);
  });

  it('asks the server again while it knows fewer than there are', () => {
    const rig = createRig({}, { others: 5 });
    for (const one of peers(2)) rig.choose(one);
    expect(rig.take({ t: 'tick' })).toContainEqual({ t: 'find-contacts' });
  });

  it('asks the server at once when the last neighbour is gone', () => {
    const rig = createRig({}, { others: 1 });
    rig.choose(peer('only'));
    expect(rig.take({ t: 'link-down', peer: peer('only') })).toContainEqual({ t: 'find-contacts' });
  });

  it('of neighbours who serve equally well lets the distant go', () => {
    const rig = createRig({}, { costs: { own1: 0.9, own4: 0.5 } });
    for (const one of peers(6, 'own')) rig.choose(one);
    for (const one of peers(6, 'guest')) rig.hear(one, { t: 'neighbor', urgent: true });
    expect(said(rig.take({ t: 'tick' }))).toContain('disconnect to own1');
    expect(said(rig.take({ t: 'tick' }))).toContain('disconnect to own4');
  });
});
