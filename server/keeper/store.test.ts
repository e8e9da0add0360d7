import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { utf8 } from '../../src/core/bytes.ts';
import { encodeCbor } from '../../src/core/codec.ts';
import { unwrap } from '../../src/core/result.ts';
import { applyBlock } from '../../src/ledger/apply.ts';
import { certifiedBlockBytes } from '../../src/ledger/block.ts';
import { buildEpochBlock, buildOperationsBlock } from '../../src/ledger/build.ts';
import { initialState } from '../../src/ledger/genesis.ts';
import { stateRootOf } from '../../src/ledger/stateRoot.ts';
import {
  createPerson,
  createTestGenesis,
  openBodyOf,
  operationOf,
  type Person,
} from '../../src/ledger/testDoubles.ts';
import type { Block, CertifiedBlock, LedgerState } from '../../src/ledger/types.ts';
import { type OrderedStore, openLevelStore } from '../../src/platform/node/index.ts';
import { type KeeperStore, recoverKeeper } from './store.ts';

const genesis = createTestGenesis({});
const people = Array.from({ length: 6 }, (_, i) => createPerson(`person ${i}`));
const maker = { creator: 0, time: 1 };

let folder: string;
let ordered: OrderedStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aivillage-keeper-'));
  ordered = unwrap(await openLevelStore(folder));
});
afterEach(async () => {
  await ordered.close();
  await rm(folder, { recursive: true });
});

const recover = () => recoverKeeper(ordered, genesis);
const opening = (state: LedgerState, person: Person) =>
  operationOf(state, person.device, { account: person.id, kind: 'open', body: openBodyOf(person) });
const certify = (block: Block): CertifiedBlock => ({ block, certificate: { round: 0, precommits: [] } });

/** Commits a block as a driver would, and gives the state after it. */
const commit = async (store: KeeperStore, state: LedgerState, block: Block) => {
  const certified = certify(block);
  await store.commit([{ kind: 'block', certified, bytes: certifiedBlockBytes(certified) }]);
  const { state: after } = unwrap(applyBlock(state, block));
  if (block.header.kind === 'epoch') await store.keepSnapshot(certified, after);
  return after;
};

/** Two accounts, an epoch, two accounts, an epoch, and two accounts more. */
const fill = async () => {
  const { store, state: begun } = unwrap(await recover());
  let state = begun;
  for (const [i, person] of people.entries()) {
    const { block } = buildOperationsBlock(state, [opening(state, person)], maker);
    if (block) state = await commit(store, state, block);
    if (i % 2 === 1 && i < 5) state = await commit(store, state, buildEpochBlock(state, maker));
  }
  return { store, state };
};

describe("a keeper's store", () => {
  it('begins with the genesis', async () => {
    const { state, records } = unwrap(await recover());
    expect(state).toEqual(initialState(genesis));
    expect(records.size).toBe(0);
  });

  it('gives back the state it was left in: snapshot, then the blocks after it', async () => {
    const { state } = await fill();
    const recovered = unwrap(await recover());
    expect(recovered.state.position).toEqual(state.position);
    expect(stateRootOf(recovered.state)).toEqual(stateRootOf(state));
  });

  it('does not need blocks before its snapshot', async () => {
    const { state } = await fill();
    const before = await ordered.range('block/', 'block/0000000000000006');
    await ordered.write(
      before.map(([key]) => ({ kind: 'delete', key })),
      true,
    );
    expect(unwrap(await recover()).state.position).toEqual(state.position);
  });

  it('keeps one snapshot, the newest, with its epoch block', async () => {
    const { store } = await fill();
    expect(await store.snapshotPart(0)).toMatchObject({ height: 6, part: 0, of: 1 });
    expect(await store.snapshotPart(1)).toBeUndefined();
    expect(await ordered.range('snapshot/', 'snapshot/~')).toHaveLength(1);
  });

  it('keeps one snapshot of several that end at once, the newest, and gives it while it changes', async () => {
    const { store, state: begun } = unwrap(await recover());
    let state = begun;
    const kept: Promise<void>[] = [];
    const read: Promise<unknown>[] = [];
    for (let epoch = 0; epoch < 6; epoch++) {
      const block = buildEpochBlock(state, maker);
      const certified = certify(block);
      await store.commit([{ kind: 'block', certified, bytes: certifiedBlockBytes(certified) }]);
      state = unwrap(applyBlock(state, block)).state;
      kept.push(store.keepSnapshot(certified, state));
      if (epoch === 0) await kept[0];
      else read.push(store.snapshotPart(0));
    }
    await Promise.all(kept);
    expect(await Promise.all(read)).toEqual(Array(5).fill(expect.objectContaining({ part: 0, of: 1 })));
    expect(await store.snapshotPart(0)).toMatchObject({ height: 6 });
    expect(await ordered.range('snapshot/', 'snapshot/~')).toHaveLength(1);
    expect(unwrap(await recover()).state.position).toEqual(state.position);
  });

  it('gives the snapshot that took the place of another between two reads', async () => {
    await fill();
    let moves = 1;
    const moving: OrderedStore = {
      ...ordered,
      async get(key) {
        const value = await ordered.get(key);
        if (key !== 'snapshot' || moves-- <= 0) return value;
        const [[, part] = []] = await ordered.range('snapshot/', 'snapshot/~');
        await ordered.write(
          [
            { kind: 'put', key: 'snapshot/0000000000000003/0000000000000000', value: part ?? utf8('') },
            { kind: 'delete', key: 'snapshot/0000000000000006/0000000000000000' },
            { kind: 'put', key: 'snapshot', value: encodeCbor({ height: 3, parts: 1 }) },
          ],
          true,
        );
        return value;
      },
    };
    moves = 0;
    const { store } = unwrap(await recoverKeeper(moving, genesis));
    moves = 1;
    expect(await store.snapshotPart(0)).toMatchObject({ height: 3, part: 0, of: 1 });
  });

  it('knows where an operation became final', async () => {
    const { store } = await fill();
    const first = opening(initialState(genesis), people[0] as Person);
    expect(await store.heightOf(first.id)).toBe(1);
    expect(await store.heightOf('x'.repeat(43) as typeof first.id)).toBeUndefined();
  });

  it('gives blocks in order up to a count and a size, but at least one', async () => {
    const { store } = await fill();
    expect(await store.blocks(0, 100, 2 ** 20)).toHaveLength(8);
    expect(await store.blocks(6, 100, 2 ** 20)).toHaveLength(2);
    expect(await store.blocks(2, 3, 2 ** 20)).toHaveLength(3);
    expect(await store.blocks(0, 100, 1)).toHaveLength(1);
    expect(await store.blocks(8, 100, 2 ** 20)).toHaveLength(0);
  });

  it('reads little more than it gives of blocks that are large', async () => {
    await fill();
    let read = 0;
    const counting: OrderedStore = {
      ...ordered,
      async range(...asked) {
        const found = await ordered.range(...asked);
        read += found.length;
        return found;
      },
    };
    const { store } = unwrap(await recoverKeeper(counting, genesis));
    const large = Array.from({ length: 64 }, (_, i) => ({
      kind: 'put' as const,
      key: `block/${String(i + 9).padStart(16, '0')}`,
      value: new Uint8Array(256 * 1024),
    }));
    await ordered.write(large, false);
    for (const [maxBytes, fit] of [
      [2 ** 20, 3],
      [2 ** 22, 15],
    ] as const) {
      read = 0;
      expect(await store.blocks(8, 256, maxBytes)).toHaveLength(fit);
      expect(read).toBeLessThanOrEqual(fit + 1);
    }
    expect(await store.blocks(0, 20, 2 ** 24)).toHaveLength(20);
  });

  it('keeps records until they are forgotten, over restarts', async () => {
    const { store } = unwrap(await recover());
    const record = (key: string) => ({ kind: 'record' as const, key, record: utf8(key) });
    await store.commit([record('1/a'), record('1/b'), record('2/a')]);
    const again = unwrap(await recover());
    expect([...again.records.keys()]).toEqual(['1/a', '1/b', '2/a']);
    await again.store.commit([{ kind: 'forget', prefix: '1/' }, record('3/a')]);
    expect([...unwrap(await recover()).records.keys()]).toEqual(['2/a', '3/a']);
  });
});

describe('a store that is not what it should be', () => {
  const change = async (key: string, value: Uint8Array | undefined) =>
    ordered.write([value ? { kind: 'put', key, value } : { kind: 'delete', key }], true);

  it('of another ledger is refused', async () => {
    await fill();
    const other = createTestGenesis({ treasury: 5 });
    expect(await recoverKeeper(ordered, other)).toMatchObject({ ok: false, error: { code: 'other-net' } });
  });

  it.each([
    ['a block is missing', 'block/0000000000000007', undefined],
    ['a block is damaged', 'block/0000000000000008', utf8('no block')],
    ['the snapshot has no block', 'block/0000000000000006', undefined],
    ['the snapshot misses a part', 'snapshot/0000000000000006/0000000000000000', undefined],
    ['the snapshot is damaged', 'snapshot/0000000000000006/0000000000000000', utf8('no part')],
    ['its pointer is damaged', 'snapshot', utf8('?')],
    ['nobody knows whose it is', 'meta', undefined],
    ['what it is of is damaged', 'meta', utf8('?')],
  ])('is refused with what to do if %s', async (_, key, value) => {
    await fill();
    await change(key, value);
    const recovered = await recover();
    expect(recovered).toMatchObject({ ok: false, error: { code: 'damaged' } });
    expect(!recovered.ok && recovered.error.message).toMatch(/start with an empty one/);
  });

  it('is refused if the blocks are those of another history', async () => {
    const { store } = unwrap(await recover());
    const state = initialState(genesis);
    const [one, other] = people.map((person) => buildOperationsBlock(state, [opening(state, person)], maker));
    if (!one?.block || !other?.block) throw new Error('no blocks');
    const after = await commit(store, state, one.block);
    const { block } = buildOperationsBlock(after, [opening(after, people[2] as Person)], maker);
    if (!block) throw new Error('no block');
    await commit(store, after, block);
    const forged = certifiedBlockBytes(certify(other.block));
    await change('block/0000000000000001', forged);
    expect(await recover()).toMatchObject({ ok: false, error: { code: 'damaged' } });
  });
});
