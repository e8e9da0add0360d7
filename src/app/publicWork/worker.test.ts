import { describe, expect, it } from 'vitest';
import { utf8 } from '../../core/bytes.ts';
import { createStore } from '../../core/events.ts';
import { silentTelemetry } from '../../core/ports/telemetry.ts';
import { createPerson, type Person } from '../../ledger/testDoubles.ts';
import { earningsOf } from '../../ledger/transition/mint/index.ts';
import type { Holder } from '../../ledger/wallet/outbox.ts';
import { createManualTime, createTestRandom } from '../../mesh/testDoubles.ts';
import { createMemoryStore } from '../../storage/memory.ts';
import type { KeyValueStore } from '../../storage/port.ts';
import {
  createEngineDouble,
  createHost,
  createLedgerWorld,
  createLocksDouble,
  type LedgerWorld,
  listOf,
  realWorkDone,
  termsOf,
} from './testDoubles.ts';
import { openPublicWorker, type WorkerDeps } from './worker.ts';

const texts = Array.from({ length: 40 }, (_, page) => `Letter ${page}\n\ndear reader,\npage ${page} of many`);
const ana = createPerson('ana');
const ben = createPerson('ben');
const durable = (): KeyValueStore => ({ ...createMemoryStore(), durable: true });

const begin = async (parameters: Parameters<typeof createLedgerWorld>[0] = {}) => {
  const world = createLedgerWorld(parameters);
  const host = createHost(texts);
  const list = await listOf(host.source);
  world.list(termsOf(list, texts));
  return { world, host, lists: createStore([list]), time: createManualTime() };
};
type Rig = Awaited<ReturnType<typeof begin>>;

/** One device of somebody: its tabs share store and locks. */
const createDeviceOf = ({ world, host, lists, time }: Rig, person: Person) => {
  const engine = createEngineDouble();
  const situation = { forbidden: undefined as string | undefined, busy: undefined as string | undefined };
  const holder = createStore<Holder | undefined>('here');
  const deps: WorkerDeps = {
    ledger: world.accessOf(person),
    holder,
    engine,
    source: host.source,
    lists,
    store: durable(),
    locks: createLocksDouble(),
    clock: time.clock,
    timers: time.timers,
    random: createTestRandom(7),
    telemetry: silentTelemetry,
    forbidden: () => situation.forbidden,
    busy: () => situation.busy,
  };
  return {
    deps,
    engine,
    situation,
    holder,
    openTab: (more: Partial<WorkerDeps> = {}) => openPublicWorker({ ...deps, ...more }),
  };
};

/** Blobs and timers of the real loop are read meanwhile, as far as they go. */
const pass = async ({ time }: Rig, ms: number) => {
  for (let passed = 0; passed < ms; passed += 2_100) {
    await time.advance(2_100);
    for (let i = 0; i < 3; i++) {
      await realWorkDone();
      await time.advance(0);
    }
  }
};
const epochs = async (rig: Rig, count: number) => {
  for (let i = 0; i < count; i++) {
    await pass(rig, 6_000);
    rig.world.endEpoch();
  }
  await pass(rig, 6_000);
};
const working = async (rig: Rig, person: Person) => {
  const device = createDeviceOf(rig, person);
  const tab = device.openTab();
  await tab.setWanted(true);
  return { ...device, tab };
};
const acceptedOf = (world: LedgerWorld, person: Person) => earningsOf(world.ledger.state, person.id).accepted;
const told = (world: LedgerWorld, person: Person) =>
  world.ledger.events.filter(({ account }) => account === person.id).map(({ what }) => what);
const kinds = (world: LedgerWorld, person: Person) =>
  world.submitted.filter((entry) => entry.person === person).map(({ kind }) => kind);

describe('public work', () => {
  it('earns for everybody who does it, and is paid out with time', async () => {
    const rig = await begin({ vestAfter: 2 });
    const devices = [await working(rig, rig.world.keeper), await working(rig, ana), await working(rig, ben)];
    await epochs(rig, 16);
    for (const person of [ana, ben]) {
      const earned = earningsOf(rig.world.ledger.state, person.id);
      expect(earned.accepted).toBeGreaterThan(3);
      expect(earned.streak).toBe(earned.accepted);
      expect(rig.world.ledger.balance(person)).toBeGreaterThan(0);
      expect(told(rig.world, person).filter((what) => /late|forfeit/.test(what))).toEqual([]);
    }
    expect(devices.map(({ tab }) => tab.status.get().problem)).toEqual([undefined, undefined, undefined]);
  });

  it('waits for keepers’ workers, without whom nobody new is drawn', async () => {
    const rig = await begin();
    const { tab } = await working(rig, ana);
    await epochs(rig, 3);
    expect(kinds(rig.world, ana)).toEqual(['enrol']);
    expect(tab.status.get()).toMatchObject({
      phase: 'waiting',
      doing: expect.stringContaining('to be drawn'),
    });
  });

  it('does again what somebody trusted did alone, as a keeper’s worker', async () => {
    const rig = await begin({ veteranStreak: 1, auditPermille: 1_000 });
    const { tab } = await working(rig, rig.world.keeper);
    await working(rig, ana);
    while (!kinds(rig.world, rig.world.keeper).includes('reveal')) await epochs(rig, 1);
    await tab.setWanted(false); // what it asked for beyond is taken back: ana works alone
    while (acceptedOf(rig.world, ana) === 0) await epochs(rig, 1);
    await epochs(rig, 4);
    await tab.setWanted(true);
    await epochs(rig, 2);
    expect(kinds(rig.world, rig.world.keeper)).toContain('judge');
    const { streak, accepted } = earningsOf(rig.world.ledger.state, ana.id);
    expect(streak).toBe(accepted);
    expect(accepted).toBeGreaterThan(1);
  });
});

describe('switched off', () => {
  it('it does nothing at all from the start', async () => {
    const rig = await begin();
    const { engine, openTab } = createDeviceOf(rig, ana);
    const tab = openTab();
    await working(rig, rig.world.keeper);
    await epochs(rig, 6);
    expect(kinds(rig.world, ana)).toEqual([]);
    expect(engine.pages).toEqual([]);
    expect(tab.status.get()).toMatchObject({ wanted: false, phase: 'off' });
  });

  it('it stops at once, takes back what it asked for, and reveals what it had committed to', async () => {
    const rig = await begin();
    const keeper = await working(rig, rig.world.keeper);
    const { tab, engine } = await working(rig, ana);
    await epochs(rig, 1);
    keeper.engine.hang = true; // so that ana has committed and waits
    await epochs(rig, 2);
    expect(kinds(rig.world, ana)).toEqual(['enrol', 'commit']);
    await tab.setWanted(false);
    keeper.engine.hang = false;
    await keeper.tab.setWanted(false);
    await keeper.tab.setWanted(true);
    await pass(rig, 10_000);
    const read = engine.pages.length;
    await epochs(rig, 4);
    expect(kinds(rig.world, ana)).toEqual(['enrol', 'commit', 'reveal']);
    expect(engine.pages).toHaveLength(read);
    expect(told(rig.world, ana).filter((what) => what.startsWith('earned'))).toHaveLength(1);
  });

  it('in another tab, it stops the one that works within seconds', async () => {
    const rig = await begin();
    await working(rig, rig.world.keeper);
    const { tab, engine, openTab } = await working(rig, ana);
    engine.hang = true;
    const other = openTab();
    await epochs(rig, 2);
    expect(tab.status.get().phase).toBe('reading');
    expect(other.status.get().phase).toBe('other-tab');
    await other.setWanted(false);
    await pass(rig, 2_100);
    expect(tab.status.get()).toMatchObject({ wanted: false, phase: 'off' });
    tab.close();
    engine.hang = false;
    await other.setWanted(true);
    await pass(rig, 4_100);
    expect(kinds(rig.world, ana)).toContain('commit'); // the other tab has taken over
  });

  it('by consent, or while the device is busy, it reads nothing and says why', async () => {
    const rig = await begin();
    await working(rig, rig.world.keeper);
    const { tab, situation, engine } = await working(rig, ana);
    engine.hang = true;
    await epochs(rig, 2);
    expect(tab.status.get().phase).toBe('reading');
    situation.busy = 'a job of your own is running';
    await pass(rig, 2_100);
    expect(tab.status.get()).toMatchObject({ phase: 'waiting', doing: 'a job of your own is running' });
    situation.busy = undefined;
    situation.forbidden = 'this device works for its owner only';
    await pass(rig, 2_100);
    expect(tab.status.get()).toMatchObject({ obstacle: 'this device works for its owner only' });
    expect(tab.status.get().phase).not.toBe('reading');
  });

  it('where another device signs, it asks for nothing', async () => {
    const rig = await begin();
    const { tab, holder } = await working(rig, ana);
    holder.set('elsewhere');
    await epochs(rig, 1);
    expect(tab.status.get().obstacle).toContain('another device signs');
  });
});

describe('a page', () => {
  it('that is not what was listed is not read', async () => {
    const rig = await begin();
    await working(rig, rig.world.keeper);
    const { tab, engine } = await working(rig, ana);
    for (const path of rig.host.bodies.keys())
      if (path !== '/public-work/list') rig.host.bodies.set(path, utf8('something else'));
    await epochs(rig, 2);
    expect(engine.pages).toEqual([]);
    expect(kinds(rig.world, ana)).toEqual(['enrol']);
    expect(tab.status.get().problem).toContain('another page than');
  });

  it('of a list with another root than the listing’s is not even asked for', async () => {
    const rig = await begin();
    const other = await listOf(createHost(texts.toReversed()).source);
    rig.lists.set([other]);
    const { tab } = await working(rig, ana);
    await epochs(rig, 1);
    expect(kinds(rig.world, ana)).toEqual([]);
    expect(tab.status.get().doing).toContain('does not offer the pages');
  });

  it('that can’t be kept is not committed to', async () => {
    const rig = await begin();
    await working(rig, rig.world.keeper);
    const device = createDeviceOf(rig, ana);
    const store: KeyValueStore = {
      ...device.deps.store,
      set: async (namespace, key, value) => {
        if (key.startsWith('kept/')) throw new Error('the disk is full');
        await device.deps.store.set(namespace, key, value);
      },
    };
    const tab = device.openTab({ store });
    await tab.setWanted(true);
    await epochs(rig, 2);
    expect(kinds(rig.world, ana)).toEqual(['enrol']);
    expect(tab.status.get().problem).toContain('the disk is full');
  });
});

/** Ends at its nth await: what was begun before may have had its effect, and nothing after has any. */
const createCrash = (at: number) => {
  let count = 0;
  let dead = false;
  const never = () => new Promise<never>(() => {});
  const step = (): void => {
    if (++count === at) dead = true;
  };
  const guarded =
    <Args extends readonly unknown[], T>(run: (...args: Args) => Promise<T>) =>
    async (...args: Args): Promise<T> => {
      step();
      if (dead) return never();
      const value = await run(...args);
      step();
      return dead ? never() : value;
    };
  return { guarded, isDead: () => dead };
};

describe('a reload at any await', () => {
  it('loses no streak, and commits to nothing twice', async () => {
    let survived = 0;
    for (let at = 1; at < 120; at++) {
      const rig = await begin({ vestAfter: 1 });
      const keeper = await working(rig, rig.world.keeper);
      const device = createDeviceOf(rig, ana);
      const { guarded, isDead } = createCrash(at);
      const { engine, store, ledger, locks } = device.deps;
      const tab = device.openTab({
        engine: {
          openPage: guarded(engine.openPage),
          detect: guarded(engine.detect),
          cropLines: guarded(engine.cropLines),
          recognize: guarded(engine.recognize),
        },
        source: { page: guarded(device.deps.source.page) },
        store: {
          ...store,
          get: guarded(store.get),
          set: guarded(store.set),
          entries: guarded(store.entries),
        },
        locks: { tryAcquire: guarded(locks.tryAcquire) },
        ledger: { ...ledger, submit: guarded(ledger.submit) as typeof ledger.submit },
      });
      void tab.setWanted(true);
      for (let epoch = 0; epoch < 3 && !isDead(); epoch++) await epochs(rig, 1);
      if (!isDead()) break;
      tab.close();
      (locks as ReturnType<typeof createLocksDouble>).freeAll();
      const again = device.openTab();
      await again.setWanted(true);
      for (let epoch = 0; epoch < 8 && acceptedOf(rig.world, ana) === 0; epoch++) await epochs(rig, 1);
      const earned = earningsOf(rig.world.ledger.state, ana.id);
      expect([at, earned.accepted > 0, earned.streak === earned.accepted]).toEqual([at, true, true]);
      expect(told(rig.world, ana).filter((what) => /late|forfeit/.test(what))).toEqual([]);
      again.close();
      keeper.tab.close();
      survived++;
    }
    expect(survived).toBeGreaterThan(20);
    expect(survived).toBeLessThan(119); // every await of the stretch was tried
  }, 60_000);
});
