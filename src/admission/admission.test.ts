import { webcrypto } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Milliseconds, milliseconds, type PeerId } from '../core/brand.ts';
import { createEmitter } from '../core/events.ts';
import type { Locks } from '../core/ports/locks.ts';
import { silentTelemetry } from '../core/ports/telemetry.ts';
import { fault } from '../core/result.ts';
import { certifyNode, type LocalIdentity, peerIdOf } from '../identity/index.ts';
import { createNodeCryptoForTests, createTestIdentityDeps } from '../identity/testDoubles.ts';
import type { OverlayChange } from '../mesh/contracts.ts';
import { createRpc } from '../mesh/rpc/rpc.ts';
import { createManualTime, createTestRandom, createTransportHub, settle } from '../mesh/testDoubles.ts';
import { type ActStore, createMemoryActStore } from './actStore.ts';
import { type Admission, openAdmission, type Wish } from './admission.ts';
import { showMethod, tellMethod } from './methods.ts';
import { createHistory, openPeople, swarmOf } from './testDoubles.ts';

const crypto = createNodeCryptoForTests();
const minute = 60_000;
const day = 24 * 60 * minute;
const [ana, ben, cem, dora] = await openPeople(crypto);

/** Another tab of the same device. */
const anotherTab = async (person: LocalIdentity): Promise<LocalIdentity> => {
  const nodeSigner = await crypto.generateSigningKey();
  const node = await certifyNode(person.deviceSigner, nodeSigner.publicKey, 1);
  return {
    ...person,
    peer: peerIdOf(nodeSigner.publicKey),
    nodeKey: nodeSigner.publicKey,
    nodeSigner,
    credentials: { ...person.credentials, node },
  };
};

type Device = { readonly store: ActStore; readonly locks: Locks };
const newDevice = (store: ActStore = createMemoryActStore()): Device => ({
  store,
  locks: createTestIdentityDeps(crypto).locks,
});

/** Ana's swarm: tabs linked as a test says, news to all who are linked with somebody. */
const openSwarm = (startAt = 1_000 * minute) => {
  const time = createManualTime();
  const hub = createTransportHub();
  const swarm = swarmOf(ana);
  const links = new Map<PeerId, Map<PeerId, LocalIdentity>>();
  const changes = new Map<PeerId, ReturnType<typeof createEmitter<OverlayChange>>>();
  const news = createEmitter<Uint8Array>();
  const expelled: { readonly by: PeerId; readonly peer: PeerId; readonly reason: string }[] = [];
  const now = (): Milliseconds => milliseconds(startAt + time.clock.monotonic());
  let deafToNews = false;

  const unlink = (a: PeerId, b: PeerId) => {
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const)
      if (links.get(one)?.delete(other))
        changes.get(one)?.emit({ kind: 'down', peer: other, reason: fault('closed-there', 'gone') });
  };

  const join = async (person: LocalIdentity, device: Device = newDevice(), clock = now) => {
    const { peer } = person;
    const rpc = createRpc(hub.join(peer), { ...time, telemetry: silentTelemetry });
    const own = createEmitter<OverlayChange>();
    changes.set(peer, own);
    links.set(peer, new Map());
    const admission = await openAdmission(
      {
        ...device,
        identity: person,
        crypto,
        rpc,
        timers: time.timers,
        random: createTestRandom(),
        telemetry: silentTelemetry,
        now: clock,
        overlay: {
          peers: () => [...(links.get(peer)?.values() ?? [])],
          changes: own.subscribe,
          expel(other, reason) {
            expelled.push({ by: peer, peer: other, reason });
            unlink(peer, other);
          },
        },
        channel: {
          async publish(act) {
            if (!deafToNews) news.emit(act);
            return { ok: true };
          },
          subscribe: (listener) =>
            news.subscribe((act) => {
              if ((links.get(peer)?.size ?? 0) > 0) listener(act);
            }),
        },
      },
      swarm,
    );
    return { person, rpc, ...admission, standing: () => admission.state.get().standing };
  };
  type Member = Awaited<ReturnType<typeof join>>;

  return {
    time,
    now,
    join,
    expelled,
    unlink,
    loseNews() {
      deafToNews = true;
    },
    async link(...members: readonly Member[]) {
      for (const { person: one } of members)
        for (const { person: other } of members)
          if (one !== other) links.get(one.peer)?.set(other.peer, other);
      for (const { person: one } of members)
        for (const { person: other } of members)
          if (one !== other) changes.get(one.peer)?.emit({ kind: 'up', peer: other });
      await rest();
    },
    isLinked: (a: Member, b: Member) => links.get(a.person.peer)?.has(b.person.peer) ?? false,
  };
};

/** Signatures come back from threads of their own; when none is under way, what follows from the last has been done. */
let signaturesUnderWay = 0;
const { subtle } = webcrypto;
const watched = ['sign', 'verify', 'importKey'] as const;
beforeAll(() => {
  for (const name of watched) {
    const original = subtle[name].bind(subtle) as (...args: unknown[]) => Promise<unknown>;
    vi.spyOn(subtle, name).mockImplementation(((...args: unknown[]) => {
      signaturesUnderWay++;
      return original(...args).finally(() => signaturesUnderWay--);
    }) as never);
  }
});
afterAll(() => vi.restoreAllMocks());
const rest = async () => {
  do await settle();
  while (signaturesUnderWay > 0);
};
const did = async (member: Admission, wish: Wish) => {
  const done = await member.perform(wish);
  await rest();
  return done.ok ? undefined : done.error.message;
};
const grant = (person: LocalIdentity, role: 'operator' | 'keeper' = 'operator'): Wish => ({
  t: 'grant',
  account: person.account,
  role,
});
const remove = (person: LocalIdentity, reason = 'loud'): Wish => ({
  t: 'remove',
  account: person.account,
  reason,
});

describe('a private swarm', () => {
  it('hears of an act everywhere at once, and whoever comes later is told of it', async () => {
    const { join, link } = openSwarm();
    const [founder, member] = [await join(ana), await join(ben)];
    await link(founder, member);
    expect(await did(founder, { t: 'rename', name: 'Lamplighters' })).toBeUndefined();
    expect(member.standing().name).toBe('Lamplighters');
    const late = await join(cem);
    await link(late, member);
    expect(late.standing().name).toBe('Lamplighters');
  });

  it('finds by comparing what news did not bring', async () => {
    const { join, link, loseNews, time } = openSwarm();
    const [founder, member] = [await join(ana), await join(ben)];
    await link(founder, member);
    loseNews();
    await did(founder, { t: 'rename', name: 'Lamplighters' });
    expect(member.standing().name).toBeUndefined();
    await time.advance(31_000);
    await rest();
    expect(member.standing().name).toBe('Lamplighters');
  });

  it('brings a long log over in pages', async () => {
    const { join, link } = openSwarm();
    const founder = await join(ana);
    for (let i = 0; i < 70; i++) await founder.perform({ t: 'rename', name: `Name ${i}` });
    const member = await join(ben);
    await link(founder, member);
    expect(member.standing().name).toBe('Name 69');
    expect(member.state.get().log.acts.size).toBe(70);
  });

  it('tells a member, in words, that he may not', async () => {
    const { join } = openSwarm();
    const member = await join(ben);
    expect(await did(member, remove(cem))).toBe('Only the founder and operators may do this.');
  });
});

describe('what people write', () => {
  it('is kept as one line that fits, and nothing is no reason', async () => {
    const { join } = openSwarm();
    const founder = await join(ana);
    expect(
      await did(founder, { ...remove(ben, ' two\nlines '), called: `Ben \u202e${'x'.repeat(60)}` } as Wish),
    ).toBeUndefined();
    const [act] = [...founder.state.get().log.acts.values()];
    expect(act?.deed).toMatchObject({ reason: 'two lines', called: `Ben  ${'x'.repeat(35)}` });
    expect(await did(founder, remove(cem, '\n'))).toContain('reason');
  });
});

describe('somebody who is removed', () => {
  it('is told why, by the log itself, and goes; and comes back when let in', async () => {
    const { join, link, isLinked, expelled } = openSwarm();
    const [founder, member] = [await join(ana), await join(ben)];
    await link(founder, member);
    await did(founder, remove(ben, 'it sent spam'));
    expect(member.standing().removed.get(ben.account)).toMatchObject({
      by: ana.account,
      reason: 'it sent spam',
    });
    expect(isLinked(founder, member)).toBe(false);
    expect(expelled).toEqual([
      { by: ana.peer, peer: ben.peer, reason: 'it was removed from this swarm: it sent spam' },
    ]);
    await did(founder, { t: 'readmit', account: ben.account });
    await link(founder, member);
    expect(isLinked(founder, member)).toBe(true);
    expect(member.standing().removed.size).toBe(0);
  });

  it('and did not hear of it, learns it when it comes again, also on a device that knows nothing', async () => {
    const { join, link, isLinked } = openSwarm();
    const founder = await join(ana);
    await did(founder, remove(ben));
    const again = await join(await anotherTab(ben));
    await link(founder, again);
    expect(again.standing().removed.has(ben.account)).toBe(true);
    expect(isLinked(founder, again)).toBe(false);
  });

  it('sends nobody away himself', async () => {
    const { join, link, expelled } = openSwarm();
    const [founder, member, other] = [await join(ana), await join(ben), await join(cem)];
    await did(founder, remove(ben));
    await did(founder, remove(cem));
    await link(founder, member);
    await link(founder, other);
    await link(member, other);
    expect(member.standing().removed.size).toBe(2);
    expect(expelled.every(({ by }) => by === ana.peer)).toBe(true);
  });
});

describe('an operator', () => {
  it('acts with a token of the founder’s, and others believe it', async () => {
    const { join, link } = openSwarm();
    const [founder, operator, other] = [await join(ana), await join(ben), await join(cem)];
    await link(founder, operator, other);
    await did(founder, grant(ben));
    expect(operator.tokens.own.get().get('operator')?.capability.issuer).toBe(ana.account);
    expect(other.tokens.shownBy(ben.peer)).toEqual(['operator']);
    expect(await did(operator, remove(dora))).toBeUndefined();
    expect(other.standing().removed.has(dora.account)).toBe(true);
  });

  it('is no operator to those who have lost it: it shows its token again when it is back', async () => {
    const { join, link, unlink } = openSwarm();
    const [founder, operator, other] = [await join(ana), await join(ben), await join(cem)];
    await link(founder, operator, other);
    await did(founder, grant(ben));
    unlink(ben.peer, cem.peer);
    expect(other.tokens.shownBy(ben.peer)).toEqual([]);
    await link(operator, other);
    expect(other.tokens.shownBy(ben.peer)).toEqual(['operator']);
  });

  it('renews its token while it is needed, before it runs out', async () => {
    const { join, link, time, now } = openSwarm();
    const [founder, operator] = [await join(ana), await join(ben)];
    await link(founder, operator);
    await did(founder, grant(ben));
    for (let elapsed = 0; elapsed < 40; elapsed++) {
      await time.advance(minute);
      await rest();
      expect(operator.tokens.own.get().get('operator')?.capability.expiresAt).toBeGreaterThan(
        now() + 4 * minute,
      );
    }
  });

  it('without anybody who could renew it says so, and acts again when somebody is there', async () => {
    const { join, link, unlink, time } = openSwarm();
    const [founder, operator, other] = [await join(ana), await join(ben), await join(cem)];
    await link(founder, operator, other);
    await did(founder, grant(ben));
    unlink(ana.peer, ben.peer);
    await time.advance(16 * minute);
    await rest();
    expect(await did(operator, remove(dora))).toContain('nobody is here who can renew it. Ask the founder');
    expect(other.tokens.shownBy(ben.peer)).toEqual([]);
    await link(founder, operator);
    expect(await did(operator, remove(dora))).toBeUndefined();
  });

  it('renews another’s, and nobody gets what the log has not given', async () => {
    const { join, link } = openSwarm();
    const founder = await join(ana);
    const [operator, keeper] = [await join(ben), await join(cem)];
    await link(founder, operator);
    await did(founder, grant(ben));
    await did(founder, grant(cem, 'keeper'));
    await link(operator, keeper);
    expect([...keeper.tokens.own.get().keys()]).toEqual(['keeper']);
    expect(keeper.tokens.own.get().get('keeper')?.capability.issuer).toBe(ben.account);
    expect(operator.tokens.shownBy(cem.peer)).toEqual(['keeper']);
  });

  it('who is withdrawn has no token that anybody believes, and what it does afterwards counts nowhere', async () => {
    const { join, link } = openSwarm();
    const [founder, operator, other] = [await join(ana), await join(ben), await join(cem)];
    await link(founder, operator, other);
    await did(founder, grant(ben));
    await did(operator, remove(dora));
    const { token } = operator.tokens.own.get().get('operator')!;
    await did(founder, { t: 'withdraw', account: ben.account, role: 'operator' });
    // The withdrawal names what it lets stand.
    const [last] = [...other.state.get().log.acts.values()].slice(-1);
    expect(last?.deed).toMatchObject({ t: 'withdraw', ends: [{ device: ben.device, seq: 0 }] });
    expect(other.tokens.shownBy(ben.peer)).toEqual([]);
    expect(operator.tokens.own.get().size).toBe(0);
    expect(other.standing().removed.has(dora.account)).toBe(true);
    const shown = operator.rpc.call(cem.peer, showMethod, { token }, { deadline: milliseconds(1_000) });
    await rest();
    expect(await shown).toMatchObject({
      ok: false,
      error: { message: "the swarm's log does not make this account operator" },
    });
  });

  it('whose device clock is a day off acts all the same: both reckon with the swarm’s clock', async () => {
    const { join, link, now } = openSwarm();
    const founder = await join(ana);
    // What the server told: this device's own clock is not asked at all.
    const operator = await join(ben);
    const stray = await join(cem, newDevice(), () => milliseconds(now() + day));
    await link(founder, operator, stray);
    await did(founder, grant(ben));
    await did(founder, grant(cem));
    expect(await did(operator, remove(dora))).toBeUndefined();
    // One that does reckon a day ahead gets a token and finds it expired, and says what is the matter.
    expect(stray.tokens.own.get().size).toBe(0);
    expect(await did(stray, { t: 'readmit', account: dora.account })).toContain('has run out');
  });
});

describe('a device', () => {
  it('with two tabs that act at once makes one chain', async () => {
    const { join, link } = openSwarm();
    const device = newDevice();
    const [one, two] = [await join(ana, device), await join(await anotherTab(ana), device)];
    const acts = [one, two, one, two].map((tab, i) => tab.perform({ t: 'rename', name: `Name ${i}` }));
    expect((await Promise.all(acts)).every(({ ok }) => ok)).toBe(true);
    await link(one, two);
    for (const tab of [one, two]) {
      expect(tab.standing().forks).toEqual([]);
      expect([...tab.state.get().log.acts.values()].map(({ seq }) => seq).sort()).toEqual([0, 1, 2, 3]);
    }
  });

  it('remembers over a reload', async () => {
    const { join } = openSwarm();
    const device = newDevice();
    await did(await join(ana, device), remove(ben));
    const reloaded = await join(await anotherTab(ana), device);
    expect(reloaded.standing().removed.has(ben.account)).toBe(true);
  });

  it('that can’t keep an act says so, and nothing has happened', async () => {
    const { join, link } = openSwarm();
    const kept = createMemoryActStore();
    let full = true;
    const store: ActStore = {
      list: kept.list,
      put: async (...args) => {
        if (full) throw new Error('no room left');
        return kept.put(...args);
      },
    };
    const [founder, member] = [await join(ana, newDevice(store)), await join(ben)];
    await link(founder, member);
    expect(await did(founder, remove(cem))).toContain('(no room left), so nothing was changed');
    expect([founder, member].some(({ standing }) => standing().removed.size > 0)).toBe(false);
    full = false;
    expect(await did(founder, remove(cem))).toBeUndefined();
    expect(member.standing().removed.has(cem.account)).toBe(true);
  });

  it('whose kept acts are damaged goes on with the rest, and is told the damaged ones again', async () => {
    const { join, link } = openSwarm();
    const kept = createMemoryActStore();
    const device = newDevice({
      ...kept,
      list: async (swarm) => [...(await kept.list(swarm)), new Uint8Array(9), 'x'],
    });
    const founder = await join(ana, device);
    await did(founder, { t: 'rename', name: 'Lamplighters' });
    const reloaded = await join(await anotherTab(ana), device);
    expect(reloaded.standing().name).toBe('Lamplighters');
    await link(reloaded);
  });
});

describe('a liar', () => {
  it('who tells acts that don’t hold is sent away', async () => {
    const { join, link, expelled } = openSwarm();
    const [founder, liar] = [await join(ana), await join(ben)];
    await link(founder, liar);
    const { bytes } = await createHistory(ana, crypto).act(ana, { t: 'rename', name: 'Liars' });
    const damaged = new Uint8Array(bytes);
    damaged[damaged.length - 1]! ^= 1;
    void liar.rpc.call(ana.peer, tellMethod, { acts: [damaged] }, { deadline: milliseconds(1_000) });
    await rest();
    expect(founder.standing().name).toBeUndefined();
    expect(expelled).toEqual([
      {
        by: ana.peer,
        peer: ben.peer,
        reason: "it told an act that does not hold: the act's signature does not hold",
      },
    ]);
  });
});
