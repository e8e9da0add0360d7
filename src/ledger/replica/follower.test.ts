import { describe, expect, it } from 'vitest';
import { milliseconds } from '../../core/brand.ts';
import type { Bytes } from '../../core/bytes.ts';
import { sha256Bytes } from '../../core/hash.ts';
import { silentTelemetry } from '../../core/ports/telemetry.ts';
import { ok, unwrap } from '../../core/result.ts';
import { applyBlock } from '../apply.ts';
import { certifiedBlockBytes } from '../block.ts';
import { buildEpochBlock } from '../build.ts';
import { stateRootOf } from '../stateRoot.ts';
import { createPerson, createTestGenesis, createTestKeeper, testCrypto } from '../testDoubles.ts';
import { catchSnapshot } from './catchSnapshot.ts';
import { createFollower, type FollowNews } from './follower.ts';
import { openStored } from './openStored.ts';
import type { LedgerSource } from './source.ts';
import { createMemoryLedgerStore, type LedgerStore, type StoredBlock } from './store.ts';
import { certify, createTestChain, createTestSource, type TestChain } from './testDoubles.ts';

const [ana, ben] = [createPerson('ana'), createPerson('ben')];
const genesis = createTestGenesis({ allocations: [{ account: ana.id, amount: 100_000_000 }] });
const crypto = { ...testCrypto, digest: async (bytes: Uint8Array) => sha256Bytes(bytes) };

const settle = async () => {
  for (let i = 0; i < 400; i++) await Promise.resolve();
};
const createTime = () => {
  let now = 0;
  let due: { at: number; run: () => void }[] = [];
  return {
    clock: { monotonic: () => now as never },
    timers: {
      after(delay: number, run: () => void) {
        const entry = { at: now + delay, run };
        due.push(entry);
        return () => {
          due = due.filter((other) => other !== entry);
        };
      },
    },
    async pass(ms: number) {
      for (const end = now + ms; now < end; ) {
        now = Math.min(end, now + 1_000);
        const ready = due.filter(({ at }) => at <= now);
        due = due.filter(({ at }) => at > now);
        for (const { run } of ready) run();
        await settle();
      }
    },
  };
};

const follow = async (
  sources: readonly LedgerSource[],
  store: LedgerStore = createMemoryLedgerStore(),
  options: { readonly snapshotBeyond?: number; readonly keepEpochs?: number } = {},
) => {
  const time = createTime();
  const news: FollowNews[] = [];
  const start = unwrap(await openStored(genesis, { store, crypto, telemetry: silentTelemetry }));
  const [fork] = await store.forks();
  const follower = createFollower(
    { ...start, ...(fork ? { fork } : {}) },
    { store, sources, crypto, ...time, telemetry: silentTelemetry, tell: (told) => news.push(told) },
    { account: ana.id, snapshotBeyond: Number.POSITIVE_INFINITY, keepEpochs: 1_008, ...options },
  );
  follower.start();
  await settle();
  return { follower, time, news, opened: start };
};
const longChain = (epochs: number): TestChain => {
  const chain = createTestChain(genesis);
  chain.open(ana);
  for (let i = 0; i < epochs; i++) {
    chain.act(ana, 'transfer', { to: ben.id, amount: 1 + i });
    chain.endEpoch();
  }
  return chain;
};
const damaged = (bytes: Bytes) => bytes.map((byte, at) => (at === bytes.length - 5 ? byte ^ 1 : byte));

describe('a follower', () => {
  it('catches up and then follows what a keeper tells', async () => {
    const chain = longChain(3);
    const keeper = createTestSource('keeper', () => chain, { perAnswer: 2 });
    const { follower, news } = await follow([keeper]);
    expect(follower.phase.get()).toEqual({ phase: 'following', height: 7 });
    chain.act(ana, 'transfer', { to: ben.id, amount: 9 });
    keeper.push();
    await settle();
    expect(follower.replica.state.position).toEqual(chain.state.position);
    expect(
      news
        .flatMap((told) => (told.kind === 'blocks' ? told.applied : []))
        .map(({ certified }) => certified.block.header.height),
    ).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('opens from what it kept, and asks for the rest only', async () => {
    const chain = longChain(2);
    const store = createMemoryLedgerStore();
    const keeper = createTestSource('keeper', () => chain);
    const first = await follow([keeper], store);
    await first.follower.close();
    chain.act(ana, 'transfer', { to: ben.id, amount: 9, memo: 'bread' });
    const again = createTestSource('keeper', () => chain);
    const { follower, opened } = await follow([again], store);
    expect(opened.state.position.height).toBe(5);
    expect(again.asked).toEqual(['blocks after 5']);
    expect(stateRootOf(follower.replica.state)).toEqual(stateRootOf(chain.state));
    expect((await store.history(ana.id, 1_000, 10)).map(({ height }) => height)).toEqual([6, 4, 2, 1]);
    expect(await store.ownOperation(ana.id, 4)).toMatchObject({ height: 6 });
    const [newest] = await store.history(ana.id, 1_000, 1);
    expect(newest?.operations).toMatchObject([{ seq: 4, memo: 'bread' }]);
  });

  it('keeps a snapshot in time, prunes what is old, and opens from there', async () => {
    const chain = longChain(160);
    const store = createMemoryLedgerStore();
    const keeper = createTestSource('keeper', () => chain);
    const { follower } = await follow([keeper], store, { keepEpochs: 10 });
    await follower.close();
    const [first] = await store.blocks(0, 1);
    expect(first).toMatchObject({ height: 3, kind: 'epoch' });
    expect(await store.snapshot()).toMatchObject({ height: 321 });
    const { opened } = await follow([], store);
    expect(opened.snapshot).toEqual({ height: 321, operations: 0 });
    expect(stateRootOf(opened.state)).toEqual(stateRootOf(chain.state));
  });

  it('asks another source when one lies or is away, and tells who lied', async () => {
    const chain = longChain(2);
    const liar = createTestSource('liar', () => chain, { change: damaged });
    const gone = createTestSource('gone', () => chain);
    const peers = createTestSource('peers', () => chain, { kind: 'peers' });
    gone.away = true;
    const { follower, time } = await follow([peers, gone, liar]);
    await time.pass(2_000);
    expect(liar.blamed).toHaveLength(1);
    expect(gone.asked).toEqual([]);
    expect(follower.replica.state.position).toEqual(chain.state.position);
    gone.away = false;
    chain.endEpoch();
    gone.tell({ kind: 'status' });
    await settle();
    expect(gone.asked).toEqual(['blocks after 5']);
    expect(follower.replica.state.position).toEqual(chain.state.position);
  });

  it('says that it is alone when nobody can be asked', async () => {
    const source = createTestSource('gone', () => ({ frames: [] }));
    source.away = true;
    expect((await follow([source])).follower.phase.get()).toEqual({ phase: 'alone', height: 0 });
  });
});

describe('what was kept and is damaged', () => {
  const keptBy = async (chain: TestChain) => {
    const store = createMemoryLedgerStore();
    const { follower } = await follow([createTestSource('keeper', () => chain)], store);
    await follower.close();
    return store;
  };

  it.each(['changed', 'missing', 'half written'])(
    'is dropped from there on and downloaded again: a block %s',
    async (how) => {
      const chain = longChain(3);
      const store = await keptBy(chain);
      const kept = (await store.blocks(0, 10)) as StoredBlock[];
      await store.dropAfter(3);
      const third = kept[3];
      if (!third) throw new Error('nothing was kept');
      if (how === 'changed')
        await store.append(
          [{ ...third, bytes: third.bytes.map((byte, at) => (at === 60 ? byte ^ 1 : byte)) }],
          [],
        );
      if (how === 'half written') await store.append([{ ...third, bytes: third.bytes.slice(0, 100) }], []);
      await store.append(kept.slice(4), []);
      const keeper = createTestSource('keeper', () => chain);
      const { follower, opened } = await follow([keeper], store);
      expect(opened.state.position.height).toBe(3);
      expect(keeper.asked[0]).toBe('blocks after 3');
      expect(stateRootOf(follower.replica.state)).toEqual(stateRootOf(chain.state));
    },
  );

  it('is dropped if it is the snapshot, and the own history stays', async () => {
    const chain = longChain(160);
    const store = await keptBy(chain);
    const kept = (await store.snapshot()) as { parts: readonly Bytes[] };
    await store.clear();
    await store.putSnapshot({ ...kept, parts: kept.parts.map(damaged) } as never);
    const { follower, opened } = await follow([createTestSource('keeper', () => chain)], store);
    expect(opened.state.position.height).toBe(0);
    expect(stateRootOf(follower.replica.state)).toEqual(stateRootOf(chain.state));
    expect(await store.history(ana.id, 1_000, 1_000)).toHaveLength(161);
  });

  it('is not touched if a newer version of the page wrote it', async () => {
    const store = createMemoryLedgerStore();
    await store.putSnapshot({ v: 2, height: 5 } as never);
    const opened = await openStored(genesis, { store, crypto, telemetry: silentTelemetry });
    expect(opened).toMatchObject({
      ok: false,
      error: { code: 'newer', message: expect.stringContaining('reload') },
    });
    expect(await store.snapshot()).toEqual({ v: 2, height: 5 });
  });
});

describe('a newcomer', () => {
  const withSnapshot = (chain: TestChain) => {
    const bytes = chain.endEpoch();
    return { frames: chain.frames, snapshot: [chain.state, bytes] as const };
  };

  it('begins at a certified snapshot when history is long or gone, and goes on from there', async () => {
    const chain = longChain(20);
    const served = withSnapshot(chain);
    chain.act(ana, 'transfer', { to: ben.id, amount: 9 });
    for (const options of [{ snapshotBeyond: 10 }, {}]) {
      const keeper = createTestSource(
        'keeper',
        () => served,
        'snapshotBeyond' in options ? {} : { earliest: 42 },
      );
      const store = createMemoryLedgerStore();
      const { follower, news } = await follow([keeper], store, options);
      expect(news.map(({ kind }) => kind)).toEqual(['snapshot', 'blocks']);
      expect(keeper.asked.filter((asked) => asked.startsWith('blocks'))).toEqual(['blocks after 42']);
      expect(stateRootOf(follower.replica.state)).toEqual(stateRootOf(chain.state));
      await follower.close();
      expect((await follow([], store)).opened.state.position).toEqual(chain.state.position);
    }
  });

  it('does not wait for days for one that has parts without end', async () => {
    const offered = withSnapshot(longChain(2));
    const source = createTestSource('slow', () => offered);
    let now = 0;
    const caught = await catchSnapshot(
      {
        async snapshot(part) {
          now += 14_000;
          const given = await source.snapshot(0);
          return given.ok ? ok({ ...given.value, part, of: 60_000 }) : given;
        },
      },
      { keepers: genesis.keepers, spans: [], height: 0 },
      { crypto, clock: { monotonic: () => milliseconds(now) } },
    );
    expect(caught).toMatchObject({ ok: false, error: { code: 'late' } });
    expect(source.asked.length).toBeLessThan(50);
  });

  it('does not believe a snapshot that was changed, or that other keepers certified, and replays then', async () => {
    const chain = longChain(20);
    const served = withSnapshot(chain);
    const [state] = served.snapshot;
    const forged = buildEpochBlock(state, { creator: 0, time: 1 });
    const strangers = certifiedBlockBytes({
      block: forged,
      certificate: certify(forged, 1, () => createTestKeeper('stranger').signer),
    });
    const after = unwrap(applyBlock(state, forged)).state;
    const wrongs = [
      {
        frames: chain.frames,
        snapshot: [{ ...state, treasury: state.treasury + 1 }, served.snapshot[1]] as const,
      },
      { frames: chain.frames, snapshot: [after, strangers] as const },
    ];
    for (const wrong of wrongs) {
      const { follower, news } = await follow([createTestSource('keeper', () => wrong)], undefined, {
        snapshotBeyond: 10,
      });
      expect(news.map(({ kind }) => kind)).toEqual(['blocks']);
      expect(stateRootOf(follower.replica.state)).toEqual(stateRootOf(chain.state));
    }
  });
});

describe('two histories', () => {
  const forkOf = (chain: TestChain) => {
    const other = chain.branch();
    other.act(ana, 'transfer', { to: ben.id, amount: 77 });
    chain.act(ana, 'transfer', { to: ben.id, amount: 78 });
    return other;
  };

  it('are found by comparing heads, kept as proof, and followed no further, after a reload neither', async () => {
    const chain = longChain(2);
    const other = forkOf(chain);
    const store = createMemoryLedgerStore();
    const keeper = createTestSource('keeper', () => chain);
    const { follower } = await follow([keeper], store);
    const theirs = (await follow([createTestSource('keeper', () => other)])).follower.replica.heads();
    expect(await follower.compare(follower.replica.heads())).toEqual({ kind: 'agree' });
    expect(await follower.compare(theirs)).toEqual({ kind: 'contradiction', height: 6 });
    expect(await follower.accuse(other.frames.at(-2) as Bytes)).toBe(false);
    expect(await follower.accuse(other.frames.at(-1) as Bytes)).toBe(true);
    expect(follower.phase.get()).toMatchObject({ phase: 'forked', height: 6 });
    chain.endEpoch();
    keeper.push();
    await settle();
    expect(follower.replica.state.position.height).toBe(6);
    await follower.close();
    const reopened = await follow([keeper], store);
    expect(reopened.follower.phase.get()).toMatchObject({ phase: 'forked', proof: { height: 6 } });
    expect(reopened.follower.replica.state.position.height).toBe(6);
  });

  it('are found when a source tells the other one', async () => {
    const chain = longChain(2);
    const other = forkOf(chain);
    const honest = createTestSource('honest', () => chain);
    const liar = createTestSource('liar', () => other);
    const { follower } = await follow([honest, liar]);
    other.endEpoch();
    liar.tell({ kind: 'status' });
    await settle();
    expect(follower.phase.get()).toMatchObject({ phase: 'forked', proof: { height: 6 } });
  });

  it('that are found while a snapshot is fetched are not forgotten over it', async () => {
    const chain = longChain(2);
    const other = forkOf(chain);
    const { frames } = chain.branch();
    for (let i = 0; i < 20; i++) chain.endEpoch();
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const near = createTestSource('near', () => ({ frames }));
    const far = createTestSource('far', () => ({
      frames: chain.frames,
      snapshot: [chain.state, chain.frames.at(-1) as Bytes],
    }));
    const slow: LedgerSource = {
      ...far,
      status: () => (far.away ? undefined : far.status()),
      snapshot: (part) => held.then(() => far.snapshot(part)),
    };
    far.away = true;
    const { follower } = await follow([near, slow], undefined, { snapshotBeyond: 10 });
    far.away = false;
    far.tell({ kind: 'status' });
    await settle();
    expect(await follower.accuse(other.frames.at(-1) as Bytes)).toBe(true);
    release();
    await settle();
    expect(far.asked).toContain('snapshot 0');
    expect(follower.phase.get()).toMatchObject({ phase: 'forked', height: 6 });
    expect(follower.replica.state.position.height).toBe(6);
  });
});
