import { describe, expect, it } from 'vitest';
import { createEmitter, createStore } from '../../core/events.ts';
import type { SigningKey } from '../../core/ports/crypto.ts';
import { silentTelemetry } from '../../core/ports/telemetry.ts';
import { unwrap } from '../../core/result.ts';
import { createMemoryStore, type KeyValueStore } from '../../storage/index.ts';
import type { KeeperSigner } from '../keeper/types.ts';
import { readOperation } from '../operation.ts';
import { readFrames } from '../replica/stage.ts';
import { createTestChain, type TestChain } from '../replica/testDoubles.ts';
import type { OrderedOperation } from '../replica/types.ts';
import {
  createPerson,
  createTestGenesis,
  createTestSigner,
  openBodyOf,
  type Person,
} from '../testDoubles.ts';
import { accountOf } from '../transition/purse.ts';
import type { LedgerState, ReadOperation, SignedOperation } from '../types.ts';
import { createOutboxStore } from './outboxStore.ts';
import { createVCoinLedger } from './vcoin.ts';
import { type KeeperAnswer, openWallet, type Wallet } from './wallet.ts';

const [ana, ben] = [createPerson('ana'), createPerson('ben')];
const genesis = createTestGenesis({ allocations: [{ account: ana.id, amount: 10_000_000 }] });

const keyOf = ({ publicKey, sign }: KeeperSigner): SigningKey => ({
  publicKey,
  sign: async (message) => sign(message),
});

/** A swarm that orders what it has heard when it is told to, and what devices see of it. */
const createSwarm = (chain: TestChain = createTestChain(genesis)) => {
  const state = createStore<LedgerState | undefined>(chain.state);
  const heard = new Map<string, ReadOperation>();
  const answers = createEmitter<KeeperAnswer>();
  const seen = new Map<string, OrderedOperation>();
  let read = 0;
  const ordered = (account: string, seq: number): OrderedOperation | undefined => {
    for (const { certified } of unwrap(readFrames(chain.frames.slice(read))))
      for (const { id, operation } of certified.block.operations)
        seen.set(`${operation.account}/${operation.seq}`, {
          seq: operation.seq,
          id,
          height: certified.block.header.height,
        });
    read = chain.frames.length;
    return seen.get(`${account}/${seq}`);
  };
  return {
    chain,
    state,
    heard,
    answers,
    ordered,
    send(operations: readonly SignedOperation[]) {
      for (const operation of operations) {
        const read = unwrap(readOperation(operation));
        heard.set(read.id, read);
      }
    },
    order() {
      // A block takes what follows, so a few make the whole.
      for (let i = 0; i < 4; i++) chain.order([...heard.values()]);
      state.set(chain.state);
    },
    endEpochs(count: number) {
      for (let i = 0; i < count; i++) chain.endEpoch();
      state.set(chain.state);
    },
  };
};
type Swarm = ReturnType<typeof createSwarm>;

const createLocks = () => {
  let queue: Promise<void> = Promise.resolve();
  return {
    acquire() {
      let release = () => {};
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      const granted = queue.then(() => release);
      queue = queue.then(() => held);
      return granted;
    },
  };
};

/** A browser profile: what its tabs share. */
const createDevice = (store: KeyValueStore = createMemoryStore()) => ({
  store,
  locks: createLocks(),
  tabs: createEmitter<void>(),
});
let randoms = 0;
/** Short: what a wallet forgets after seven days is forgotten after a few epochs here. */
const keptEpochs = 3;
/** After these what was signed now is final for longer than that. */
const longEpochs = 6 + keptEpochs + 1;
const openTab = (
  swarm: Swarm,
  device: ReturnType<typeof createDevice>,
  person: Person = ana,
  change: Partial<Parameters<typeof openWallet>[0]> = {},
): Promise<Wallet> =>
  openWallet(
    {
      store: createOutboxStore(device.store, swarm.chain.state.net, person.id),
      locks: device.locks,
      crypto: { signingKeyFromSeed: async (seed) => keyOf(createTestSigner(new TextDecoder().decode(seed))) },
      random: {
        bytes: (length) =>
          new Uint8Array(length).fill(1).map((_, at) => (at < 2 ? randoms++ >> (8 * at) : at)),
      },
      timers: { every: () => () => {} },
      telemetry: silentTelemetry,
      chain: {
        state: swarm.state,
        ordered: async (seq) => swarm.ordered(person.id, seq),
        epochAgeMs: () => 0,
        keptEpochs,
      },
      keepers: {
        send: swarm.send,
        answers: swarm.answers.subscribe,
        reached: createEmitter<void>().subscribe,
      },
      tabs: { announce: () => device.tabs.emit(), heard: device.tabs.subscribe },
      ...change,
    },
    { account: person.id, device: keyOf(person.device), certificate: { v: 1, ...openBodyOf(person) } },
  );
const settle = async () => {
  for (let i = 0; i < 60; i++) await Promise.resolve();
};
const balance = (swarm: Swarm, person: Person) => accountOf(swarm.chain.state, person.id).balance;
const phases = (wallet: Wallet) => wallet.intents.get().map(({ outcome }) => outcome.phase);

describe('a wallet', () => {
  it('opens the account with its first operation, and is told when both are final', async () => {
    const swarm = createSwarm();
    const wallet = await openTab(swarm, createDevice());
    expect(wallet.holder.get()).toBe('unopened');
    const sent = unwrap(await wallet.submit('transfer', { to: ben.id, amount: 5 }));
    expect(sent.outcome.get()).toEqual({ phase: 'pending' });
    swarm.order();
    expect(await sent.settled()).toMatchObject({ phase: 'final', height: 1 });
    expect(wallet.intents.get().map(({ seq }) => seq)).toEqual([1, 2]);
    expect(wallet.holder.get()).toBe('here');
    expect(balance(swarm, ben)).toBe(5);
  });

  it('refuses at once what could not be applied after all that is pending, and signs nothing then', async () => {
    const swarm = createSwarm();
    const wallet = await openTab(swarm, createDevice());
    unwrap(await wallet.submit('transfer', { to: ben.id, amount: 9_000_000 }));
    expect(await wallet.submit('transfer', { to: ben.id, amount: 9_000_000 })).toMatchObject({
      ok: false,
      error: { code: 'not-now', message: expect.stringContaining('the account has') },
    });
    expect(swarm.heard.size).toBe(2);
  });

  it('gives every tab a number of its own, and shows each what the others do', async () => {
    const swarm = createSwarm();
    const device = createDevice();
    const [one, other] = [await openTab(swarm, device), await openTab(swarm, device)];
    const sent = await Promise.all(
      [1, 2, 3, 4].map((amount) => (amount % 2 ? one : other).submit('transfer', { to: ben.id, amount })),
    );
    expect(sent.every(({ ok }) => ok)).toBe(true);
    await settle();
    expect(one.intents.get().map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
    expect(other.intents.get()).toEqual(one.intents.get());
    swarm.order();
    await settle();
    expect(phases(other)).toEqual(['final', 'final', 'final', 'final', 'final']);
    expect(balance(swarm, ben)).toBe(10);
  });

  it('signs again under the same number when nobody ordered it in time', async () => {
    const swarm = createSwarm();
    swarm.chain.open(ana);
    swarm.state.set(swarm.chain.state);
    const wallet = await openTab(swarm, createDevice());
    const sent = unwrap(await wallet.submit('transfer', { to: ben.id, amount: 5 }));
    swarm.endEpochs(7);
    await settle();
    const [intent] = wallet.intents.get();
    expect(intent?.versions.map(({ operation }) => operation.operation)).toMatchObject([
      { seq: 2, validUntil: 6 },
      { seq: 2, validUntil: 13 },
    ]);
    swarm.order();
    expect(await sent.settled()).toMatchObject({ id: intent?.versions[1]?.operation.id });
  });

  it('knows an older version of its own when that was ordered', async () => {
    const swarm = createSwarm();
    swarm.chain.open(ana);
    swarm.state.set(swarm.chain.state);
    const wallet = await openTab(swarm, createDevice());
    const sent = unwrap(await wallet.submit('transfer', { to: ben.id, amount: 5 }));
    const [first] = swarm.heard.values();
    // Keepers ordered it in time, but this tab hears of the epochs first and of that block later.
    const late = createSwarm(swarm.chain.branch());
    late.endEpochs(7);
    swarm.state.set(late.chain.state);
    await settle();
    expect(wallet.intents.get()[0]?.versions).toHaveLength(2);
    swarm.chain.order(first ? [first] : []);
    swarm.state.set(swarm.chain.state);
    expect(await sent.settled()).toMatchObject({ phase: 'final', id: first?.id });
    expect(balance(swarm, ben)).toBe(5);
  });

  it('gives up what can never be ordered by signing nothing under its number, so that what waits behind goes on', async () => {
    const swarm = createSwarm();
    const device = createDevice();
    const wallet = await openTab(swarm, device);
    const large = unwrap(await wallet.submit('transfer', { to: ben.id, amount: 9_000_000 }));
    const small = unwrap(await wallet.submit('transfer', { to: ben.id, amount: 5 }));
    // The fee rises meanwhile: the large one can't be paid any more.
    swarm.chain.order([...swarm.heard.values()].slice(0, 1));
    const state = swarm.chain.state;
    const poorer = { ...state, parameters: { ...state.parameters, transferFee: 2_000_000 } };
    swarm.state.set(poorer);
    const [, refused] = [...swarm.heard.values()];
    if (!refused) throw new Error('nothing was sent');
    swarm.answers.emit({ from: 'keeper', id: refused.id, state: 'refused', reason: 'too dear' });
    await settle();
    expect(wallet.intents.get()[1]?.versions.map(({ meant }) => meant)).toEqual(['intent', 'void']);
    const rotation = [...swarm.heard.values()].find(({ operation }) => operation.kind === 'rotate');
    if (!rotation) throw new Error('nothing was given up');
    swarm.chain.order([rotation]);
    swarm.order();
    expect(await large.settled()).toMatchObject({
      phase: 'refused',
      reason: expect.stringContaining('given up'),
    });
    expect(await small.settled()).toMatchObject({ phase: 'final' });
    expect(balance(swarm, ben)).toBe(5);
  });

  it('does not give up for a keeper’s word alone', async () => {
    const swarm = createSwarm();
    swarm.chain.open(ana);
    swarm.state.set(swarm.chain.state);
    const wallet = await openTab(swarm, createDevice());
    unwrap(await wallet.submit('transfer', { to: ben.id, amount: 5 }));
    for (const { id } of swarm.heard.values())
      swarm.answers.emit({ from: 'censor', id, state: 'refused', reason: 'no' });
    await settle();
    expect(wallet.intents.get()[0]?.versions).toHaveLength(1);
    expect(phases(wallet)).toEqual(['pending']);
  });

  it('tells that another operation took the number', async () => {
    const swarm = createSwarm();
    swarm.chain.open(ana);
    swarm.state.set(swarm.chain.state);
    const wallet = await openTab(swarm, createDevice());
    const sent = unwrap(await wallet.submit('transfer', { to: ben.id, amount: 5 }));
    swarm.chain.act(ana, 'transfer', { to: ben.id, amount: 7 });
    swarm.state.set(swarm.chain.state);
    expect(await sent.settled()).toMatchObject({
      phase: 'refused',
      reason: expect.stringContaining('took its number'),
    });
  });

  it('believes keepers about what lies before its history only if not all of them can be liars', async () => {
    const swarm = createSwarm(
      createTestChain(createTestGenesis({ keepers: 4, allocations: genesis.allocations })),
    );
    swarm.chain.open(ana);
    swarm.state.set(swarm.chain.state);
    const wallet = await openTab(swarm, createDevice(), ana, {
      chain: { state: swarm.state, ordered: async () => undefined, epochAgeMs: () => 0, keptEpochs },
    });
    const sent = unwrap(await wallet.submit('transfer', { to: ben.id, amount: 5 }));
    swarm.order();
    const id = [...swarm.heard.keys()][0] as KeeperAnswer['id'];
    swarm.answers.emit({ from: 'a', id, state: 'final', height: 2 });
    swarm.answers.emit({ from: 'a', id, state: 'final', height: 2 });
    await settle();
    expect(sent.outcome.get().phase).toBe('pending');
    swarm.answers.emit({ from: 'b', id, state: 'final', height: 2 });
    expect(await sent.settled()).toEqual({ phase: 'final', id, height: 2 });
  });
});

describe('an account on another browser', () => {
  const anaElsewhere: Person = { ...ana, device: createTestSigner('ana’s new device') };
  const seed = new TextEncoder().encode("ana's recovery");

  it('can be watched there, and is moved by the recovery key; the old browser watches then', async () => {
    const swarm = createSwarm();
    const old = await openTab(swarm, createDevice());
    unwrap(await old.submit('transfer', { to: ben.id, amount: 5 }));
    swarm.order();
    const wallet = await openTab(swarm, createDevice(), anaElsewhere);
    expect(wallet.holder.get()).toBe('elsewhere');
    expect(await wallet.submit('transfer', { to: ben.id, amount: 1 })).toMatchObject({
      error: { code: 'watch-only' },
    });
    expect(await wallet.moveHere(new TextEncoder().encode('a guess'))).toMatchObject({
      error: { code: 'recovery-key' },
    });
    const moved = unwrap(await wallet.moveHere(seed));
    const again = unwrap(await wallet.moveHere(seed));
    expect(wallet.intents.get()).toHaveLength(1);
    swarm.order();
    expect([await moved.settled(), await again.settled()]).toMatchObject([
      { phase: 'final' },
      { phase: 'final' },
    ]);
    await settle();
    expect([old.holder.get(), wallet.holder.get()]).toEqual(['elsewhere', 'here']);
    const vcoin = createVCoinLedger(wallet, async () => []);
    const sent = unwrap(await vcoin.transfer(ben.id, 2, 'from here'));
    swarm.order();
    expect(await sent.settled()).toMatchObject({ phase: 'final' });
    expect(vcoin.balanceOf(ben.id)).toBe(7);
    expect(await old.submit('transfer', { to: ben.id, amount: 1 })).toMatchObject({
      error: { code: 'watch-only' },
    });
  });

  it('is told on the old browser that what waited there was overtaken, or came too late', async () => {
    const swarm = createSwarm();
    swarm.chain.open(ana);
    swarm.state.set(swarm.chain.state);
    const old = await openTab(swarm, createDevice(), ana, {
      keepers: { send: () => {}, answers: swarm.answers.subscribe, reached: createEmitter<void>().subscribe },
    });
    const overtaken = unwrap(await old.submit('transfer', { to: ben.id, amount: 1 }));
    const late = unwrap(await old.submit('transfer', { to: ben.id, amount: 2 }));
    const wallet = await openTab(swarm, createDevice(), anaElsewhere);
    unwrap(await wallet.moveHere(seed));
    swarm.order();
    expect(await overtaken.settled()).toMatchObject({
      phase: 'refused',
      reason: expect.stringContaining('took its number'),
    });
    swarm.endEpochs(7);
    expect(await late.settled()).toMatchObject({
      phase: 'refused',
      reason: expect.stringContaining('not ordered in time'),
    });
  });
});

describe('what a wallet keeps', () => {
  it('says so when it can’t be kept, and sends nothing', async () => {
    const swarm = createSwarm();
    const memory = createMemoryStore();
    const full = { ...memory, set: () => Promise.reject(new Error('no room left')) };
    const wallet = await openTab(swarm, createDevice(full));
    expect(await wallet.submit('transfer', { to: ben.id, amount: 5 })).toMatchObject({
      error: { code: 'storage', message: expect.stringContaining('nothing was sent') },
    });
    expect(swarm.heard.size).toBe(0);
    expect(wallet.intents.get()).toEqual([]);
  });

  it('leaves alone what a newer page wrote, and works on beside what is damaged', async () => {
    const swarm = createSwarm();
    const device = createDevice();
    const wallet = await openTab(swarm, device);
    unwrap(await wallet.submit('transfer', { to: ben.id, amount: 5 }));
    const [[key] = ['']] = await device.store.entries('wallet');
    await device.store.set('wallet', key, new Uint8Array([1, 2, 3]));
    const reopened = await openTab(swarm, device);
    expect(reopened.intents.get()).toHaveLength(1);
    await device.store.set('wallet', key, new Uint8Array([0xa1, 0x61, 0x76, 2]));
    await expect(openTab(swarm, device)).rejects.toThrow('reload');
    expect(await device.store.get('wallet', key)).toEqual(new Uint8Array([0xa1, 0x61, 0x76, 2]));
  });
});

describe('what has been final for longer than blocks are kept', () => {
  const sendThree = async (swarm: Swarm, wallet: Wallet) => {
    for (const amount of [1, 2, 3]) unwrap(await wallet.submit('transfer', { to: ben.id, amount }));
    swarm.order();
    await settle();
  };
  const seqsOf = (wallet: Wallet) => wallet.intents.get().map(({ seq }) => seq);

  it('is forgotten, but for the newest number, and not an epoch earlier', async () => {
    const swarm = createSwarm();
    const device = createDevice();
    const wallet = await openTab(swarm, device);
    await sendThree(swarm, wallet);
    swarm.endEpochs(longEpochs - 1);
    await settle();
    expect(seqsOf(wallet)).toEqual([1, 2, 3, 4]);
    swarm.endEpochs(1);
    await settle();
    expect(seqsOf(wallet)).toEqual([4]);
    expect(await device.store.entries('wallet')).toHaveLength(1);
    expect(seqsOf(await openTab(swarm, device))).toEqual([4]);
  });

  it('is forgotten in all tabs, and none of them signs under its numbers again, however old its state', async () => {
    const swarm = createSwarm();
    const device = createDevice();
    const [one, other] = [await openTab(swarm, device), await openTab(swarm, device)];
    await sendThree(swarm, one);
    const before = createStore<LedgerState | undefined>(createTestChain(genesis).state);
    swarm.endEpochs(longEpochs);
    await settle();
    expect([seqsOf(one), seqsOf(other)]).toEqual([[4], [4]]);
    const late = await openTab(swarm, device, ana, {
      chain: { state: before, ordered: async () => undefined, epochAgeMs: () => 0, keptEpochs },
    });
    expect(await late.submit('transfer', { to: ben.id, amount: 4 })).toMatchObject({
      error: { code: 'not-now', message: expect.stringContaining('its number is 5') },
    });
  });

  it('stays if it waits, was refused, or can’t be taken away now', async () => {
    const swarm = createSwarm();
    const device = createDevice();
    const outbox = createOutboxStore(device.store, swarm.chain.state.net, ana.id);
    const stuck = { ...outbox, forget: () => Promise.reject(new Error('the disk is broken')) };
    const wallet = await openTab(swarm, device, ana, { store: stuck });
    await sendThree(swarm, wallet);
    swarm.endEpochs(longEpochs);
    await settle();
    expect(seqsOf(wallet)).toEqual([1, 2, 3, 4]);
    unwrap(await wallet.submit('transfer', { to: ben.id, amount: 4 }));
    swarm.chain.act(ana, 'transfer', { to: ben.id, amount: 5 });
    swarm.state.set(swarm.chain.state);
    await settle();
    expect(phases(wallet).at(-1)).toBe('refused');
    wallet.close();
    swarm.endEpochs(longEpochs);
    const reopened = await openTab(swarm, device);
    await settle();
    expect(reopened.intents.get().map(({ outcome }) => outcome.phase)).toEqual(['final', 'refused']);
    expect(balance(swarm, ben)).toBe(11);
  });
});

/** Everything a tab does to the world goes through here, and from one moment on nothing does any more. */
const createCut = (at: number, after: boolean) => {
  let step = 0;
  let dead = false;
  const never = () => new Promise<never>(() => {});
  return {
    get died() {
      return dead;
    },
    async run<T>(effect: () => Promise<T>): Promise<T> {
      if (dead) return never();
      const isLast = step++ === at;
      if (isLast && !after) {
        dead = true;
        return never();
      }
      const result = await effect();
      if (isLast) dead = true;
      return dead ? never() : result;
    },
  };
};

describe('a tab that dies at any await', () => {
  const live = async (
    swarm: Swarm,
    device: ReturnType<typeof createDevice>,
    cut: ReturnType<typeof createCut>,
  ) => {
    const outbox = createOutboxStore(device.store, swarm.chain.state.net, ana.id);
    const promised: number[] = [];
    const wallet = openTab(
      swarm,
      device,
      { ...ana, device: { ...ana.device } },
      {
        store: {
          put: (intent) => cut.run(() => outbox.put(intent)),
          forget: (intent) => cut.run(() => outbox.forget(intent)),
          list: () => cut.run(() => outbox.list()),
        },
        // Freed by the browser when the tab dies.
        locks: { acquire: () => cut.run(() => device.locks.acquire()) },
        keepers: {
          send: (operations) => void cut.run(async () => swarm.send(operations)),
          answers: swarm.answers.subscribe,
          reached: createEmitter<void>().subscribe,
        },
        tabs: { announce: () => {}, heard: createEmitter<void>().subscribe },
        chain: {
          state: swarm.state,
          ordered: (seq) => cut.run(async () => swarm.ordered(ana.id, seq)),
          epochAgeMs: () => 0,
          keptEpochs,
        },
      },
    );
    const act = async () => {
      const opened = await wallet;
      for (const amount of [1, 10, 100]) {
        const sent = await opened.submit('transfer', { to: ben.id, amount });
        if (sent.ok) promised.push(amount);
        if (amount === 10) swarm.order();
        if (amount === 10) swarm.endEpochs(longEpochs);
      }
    };
    void act();
    for (let i = 0; i < 20; i++) await settle();
    return promised;
  };

  it('loses nothing it promised, does nothing twice, and never signs two wishes under one number', async () => {
    let deaths = 0;
    const forgotten = new Set<number>();
    for (const after of [false, true]) {
      for (let at = 0; at < 60; at++) {
        const swarm = createSwarm();
        const device = createDevice();
        const cut = createCut(at, after);
        const promised = await live(swarm, device, cut);
        if (cut.died) deaths++;
        const left = await createOutboxStore(device.store, swarm.chain.state.net, ana.id).list();
        forgotten.add((left.intents[0]?.seq ?? 1) - 1);
        const reopened = await openTab(swarm, { ...device, locks: createLocks() });
        for (let i = 0; i < 3; i++) {
          swarm.order();
          await settle();
        }
        const amounts = unwrap(readFrames(swarm.chain.frames)).flatMap(({ certified }) =>
          certified.block.operations.flatMap(({ operation }) =>
            operation.kind === 'transfer' ? [operation.body.amount] : [],
          ),
        );
        const label = `cut ${at} ${after ? 'after' : 'before'}`;
        expect(new Set(amounts).size, label).toBe(amounts.length);
        expect(amounts, label).toEqual(expect.arrayContaining(promised));
        const seqs = reopened.intents.get().map(({ seq }) => seq);
        expect(new Set(seqs).size, label).toBe(seqs.length);
        expect(
          phases(reopened).every((phase) => phase === 'final'),
          label,
        ).toBe(true);
        expect(swarm.heard.size, label).toBeGreaterThanOrEqual(amounts.length);
        swarm.endEpochs(longEpochs);
        await settle();
        expect(
          reopened.intents.get().map(({ seq }) => seq),
          label,
        ).toEqual(seqs.slice(-1));
        reopened.close();
      }
    }
    expect(deaths).toBeGreaterThan(30);
    expect(forgotten, 'some died between two that were to be forgotten').toEqual(new Set([0, 1, 2]));
  });
});
