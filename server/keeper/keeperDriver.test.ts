import { describe, expect, it } from 'vitest';
import { milliseconds } from '../../src/core/brand.ts';
import { utf8 } from '../../src/core/bytes.ts';
import { ok, unwrap } from '../../src/core/result.ts';
import { initialState } from '../../src/ledger/genesis.ts';
import { type KeeperEffect, type KeeperEvent, keeperDefaults } from '../../src/ledger/keeper/index.ts';
import { consensusBytes } from '../../src/ledger/messages.ts';
import { operationIdOf } from '../../src/ledger/operation.ts';
import { createTestGenesis, testCrypto } from '../../src/ledger/testDoubles.ts';
import type { BlockId } from '../../src/ledger/types.ts';
import { createNodeTimers } from '../../src/platform/node/index.ts';
import { startKeeperDriver } from './keeperDriver.ts';
import { keysOf } from './keyFile.ts';
import type { KeeperChange, KeeperStore } from './store.ts';
import { testKeeperFile } from './testDoubles.ts';

const state = initialState(createTestGenesis({ keepers: 4 }));
const vote = (round: number): KeeperEffect => {
  const content = {
    net: state.net,
    type: 'prevote',
    height: 1,
    round,
    value: 'b'.repeat(43) as BlockId,
  } as const;
  const message = { bytes: consensusBytes(content), signature: new Uint8Array(64), content };
  return { kind: 'broadcast', message: { kind: 'message', seat: 0, message, block: undefined } };
};
const persist = (key: string): KeeperEffect => ({ kind: 'persist', key, record: utf8(key) });

/** A machine that says what it is told to say, and a disk that takes as long as the test wants. */
const open = () => {
  const happened: string[] = [];
  const heard: KeeperEvent[] = [];
  const writes: { readonly keys: readonly string[]; done(): void; fail(): void }[] = [];
  let script: readonly KeeperEffect[] = [];
  const store: KeeperStore = {
    commit: (changes: readonly KeeperChange[]) =>
      new Promise((resolve, reject) => {
        const keys = changes.map((change) => (change.kind === 'record' ? change.key : change.kind));
        const done = () => {
          happened.push(`written ${keys.join(' ')}`);
          resolve();
        };
        writes.push({ keys, done, fail: () => reject(new Error('no space left on device')) });
      }),
    keepSnapshot: async () => {},
    blocks: async () => [],
    heightOf: async () => undefined,
    snapshotPart: async () => undefined,
    close: async () => void happened.push('closed'),
  };
  const machine = {
    handle(event: KeeperEvent) {
      heard.push(event);
      return script;
    },
    ledger: () => state,
    phase: () => 'voting' as const,
    round: () => 0,
    proposalOf: () => undefined,
  };
  const driver = unwrap(
    startKeeperDriver(
      {
        begin: () => ok({ machine, effects: [] }),
        clock: { now: () => milliseconds(0), monotonic: () => milliseconds(0) },
        timers: createNodeTimers({ holdsProcess: false }),
        crypto: testCrypto,
        log: () => {},
      },
      { store, state, records: new Map() },
      { keys: keysOf(testKeeperFile('A', '')) },
      keeperDefaults,
    ),
  );
  driver.news(({ kind }) => void happened.push(kind));
  /** Any event: what counts is what the machine answers. */
  const act = async (...effects: readonly KeeperEffect[]) => {
    script = effects;
    const content = { net: state.net, type: 'prevote', height: 9, round: 0, value: null } as const;
    driver.hear({ t: 'quorum', votes: [], bytes: consensusBytes(content) });
    await Promise.resolve();
  };
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return { driver, happened, heard, writes, act, settle };
};

describe('what a keeper promises', () => {
  it('is on disk before it is sent', async () => {
    const { act, happened, writes, settle } = open();
    await act(persist('a'), vote(0));
    await settle();
    expect(happened).toEqual([]);
    writes[0]?.done();
    await settle();
    expect(happened).toEqual(['written a', 'toKeepers']);
  });

  it('is written together with what came while the disk was busy, and sent in its order', async () => {
    const { act, happened, writes, settle } = open();
    await act(persist('a'), vote(0));
    await act(persist('b'), vote(1));
    await act(persist('c'), vote(2));
    writes[0]?.done();
    await settle();
    expect(writes.map(({ keys }) => keys)).toEqual([['a'], ['b', 'c']]);
    expect(happened).toEqual(['written a', 'toKeepers']);
    writes[1]?.done();
    await settle();
    expect(happened).toEqual(['written a', 'toKeepers', 'written b c', 'toKeepers', 'toKeepers']);
  });

  it('is never sent if the disk failed: the keeper stops there', async () => {
    const { driver, act, happened, heard, writes, settle } = open();
    await act(persist('a'), vote(0));
    writes[0]?.fail();
    await settle();
    await act(persist('b'), vote(1));
    await settle();
    expect(happened).toEqual([]);
    expect(heard).toHaveLength(1);
    expect(driver.fault()).toMatchObject({ code: 'disk' });
  });

  it('is written to its end before the store is closed', async () => {
    const { driver, act, happened, writes, settle } = open();
    await act(persist('a'));
    const closing = driver.close();
    await settle();
    expect(happened).toEqual([]);
    writes[0]?.done();
    await closing;
    expect(happened).toEqual(['written a', 'closed']);
  });
});

describe('a keeper that can not be trusted any more', () => {
  it('says so, and orders nothing', async () => {
    const { driver, act, settle } = open();
    await act({ kind: 'amnesia', height: 7 });
    await settle();
    expect(driver.fault()).toMatchObject({ code: 'amnesia' });
    const answer = await driver.submit(
      { bytes: utf8('x'), signature: new Uint8Array(64) },
      operationIdOf(utf8('x')),
      'owner',
    );
    expect(answer).toMatchObject({ state: 'refused' });
  });
});
