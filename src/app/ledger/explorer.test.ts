import { describe, expect, it } from 'vitest';
import { unwrap } from '../../core/result.ts';
import { applyBlock } from '../../ledger/apply.ts';
import { certifiedBlockBytes, readCertifiedBlock } from '../../ledger/block.ts';
import { buildEpochBlock, buildOperationsBlock } from '../../ledger/build.ts';
import { initialState } from '../../ledger/genesis.ts';
import { consensusBytes } from '../../ledger/messages.ts';
import {
  createPerson,
  createTestGenesis,
  createTestKeeper,
  openBodyOf,
  operationOf,
  testCrypto,
} from '../../ledger/testDoubles.ts';
import type { Block, CertifiedBlock } from '../../ledger/types.ts';
import { createExplorer } from './explorer.ts';
import { verifyFound } from './verify.ts';

const ada = createPerson('ada');
const bob = createPerson('bob');
const { signer } = createTestKeeper('0');

const certify = (block: Block): CertifiedBlock => {
  const { net, height } = block.header;
  const message = consensusBytes({ net, type: 'precommit', height, round: 0, value: block.id });
  return {
    block,
    certificate: { round: 0, precommits: [{ voter: 0, signature: signer.sign(message) }] },
  };
};

/** Opened, paid, an epoch ended. */
const begin = () => {
  let state = initialState(createTestGenesis({ allocations: [{ account: ada.id, amount: 9_000_000 }] }));
  const chain: CertifiedBlock[] = [];
  const take = (block: Block | undefined) => {
    if (!block) throw new Error('no block');
    state = unwrap(applyBlock(state, block)).state;
    chain.push(certify(block));
  };
  const maker = { creator: 0, time: 1_700_000_000_001 };
  const open = operationOf(state, ada.device, { account: ada.id, kind: 'open', body: openBodyOf(ada) });
  take(buildOperationsBlock(state, [open], maker).block);
  const pay = operationOf(state, ada.device, {
    account: ada.id,
    kind: 'transfer',
    body: { to: bob.id, amount: 5, memo: 'tea' },
  });
  take(buildOperationsBlock(state, [pay], maker).block);
  const [first, second] = ['a', 'b'].map((letter) => {
    const value = letter.repeat(43) as Block['id'];
    const bytes = consensusBytes({ net: state.net, type: 'prevote', height: 2, round: 0, value });
    return { bytes, signature: signer.sign(bytes) };
  });
  if (!first || !second) throw new Error('no messages');
  const bobs = operationOf(state, bob.device, { account: bob.id, kind: 'open', body: openBodyOf(bob) });
  const body = { keeper: 0, first, second };
  const lie = operationOf(state, bob.device, { account: bob.id, kind: 'evidence', body, seq: 2 });
  take(buildOperationsBlock(state, [bobs, lie], maker).block);
  take(buildEpochBlock(state, maker));
  const log = {
    blocks: async (after: number, count: number) =>
      chain.slice(after, after + count).map(certifiedBlockBytes),
    keepersAt: async () => state.keepers,
  };
  const explorer = createExplorer({
    state: () => state,
    log,
    nameOf: () => undefined,
    forks: { find: () => undefined },
  });
  const verify = async (query: string, crypto = testCrypto) =>
    verifyFound(unwrap(await explorer.find(query)), { crypto, state: () => state, log, explorer });
  return { chain, pay, lie, explorer, verify, state };
};

describe('the explorer', () => {
  it('finds blocks by height and id, operations by id or its beginning, and accounts', async () => {
    const { explorer, pay, chain } = begin();
    const kindOf = async (query: string) => unwrap(await explorer.find(query)).kind;
    expect(await kindOf('2')).toBe('block');
    expect(await kindOf(chain[2]?.block.id ?? '')).toBe('block');
    expect(await kindOf(pay.id)).toBe('operation');
    expect(await kindOf(pay.id.slice(0, 9))).toBe('operation');
    expect(await kindOf(bob.id)).toBe('account');
  });

  it('says in words what it can not find', async () => {
    const { explorer } = begin();
    expect(await explorer.find('17')).toMatchObject({ ok: false, error: /up to 4/ });
    expect(await explorer.find('abc')).toMatchObject({ ok: false, error: /at least 6/ });
    expect(await explorer.find('z'.repeat(43))).toMatchObject({ ok: false, error: /Nothing with this id/ });
  });

  it('describes an operation with what it says and where it stands', async () => {
    const { explorer, pay } = begin();
    const item = unwrap(explorer.describe(unwrap(await explorer.find(pay.id))));
    expect(item.facts).toContainEqual({ term: 'to', value: bob.id, item: bob.id });
    expect(item.facts).toContainEqual({ term: 'In block', value: '2, place 1 of 1', item: '2' });
  });

  it('exports the certified block itself, so that a stranger can check it', async () => {
    const { explorer, pay } = begin();
    const blob = unwrap(explorer.exportOf(unwrap(await explorer.find(pay.id)), 'cbor'));
    const read = unwrap(readCertifiedBlock(new Uint8Array(await blob.arrayBuffer())));
    expect(read.block.operations[0]?.id).toBe(pay.id);
  });
});

describe('a keeper’s lie', () => {
  it('is opened as its two messages, and verified by the keeper’s key', async () => {
    const { explorer, lie, verify, state } = begin();
    const found = unwrap(await explorer.find(lie.id));
    const item = unwrap(explorer.describe(found));
    expect(item.facts).toContainEqual({ term: 'Keeper', value: state.keepers[0]?.name });
    expect(item.facts).toContainEqual({ term: 'Proved in block', value: '3', item: '3' });
    expect(item.sides?.map(({ facts }) => facts[1]?.value)).toEqual(['a'.repeat(43), 'b'.repeat(43)]);
    const { holds, steps } = await verify(lie.id);
    expect([holds, steps.length]).toEqual([true, 7]);
    const refuted = await verify(lie.id, { verify: async () => false });
    expect(refuted.steps.slice(0, 3).map((step) => step.holds)).toEqual([false, false, true]);
    const blob = unwrap(explorer.exportOf(found, 'cbor'));
    const read = unwrap(readCertifiedBlock(new Uint8Array(await blob.arrayBuffer())));
    expect(read.block.operations[1]?.id).toBe(lie.id);
  });
});

describe('verifying here', () => {
  it('checks hash, signature, place, certificate and chain again', async () => {
    const { verify, pay } = begin();
    const { holds, steps } = await verify(pay.id);
    expect(holds).toBe(true);
    expect(steps).toHaveLength(7);
    expect((await verify('3')).holds).toBe(true);
    expect((await verify(ada.id)).steps[0]?.what).toMatch(/counted again/);
  });

  it('finds a signature that does not hold, and a block that nobody certified', async () => {
    const { verify, pay } = begin();
    const none = { verify: async () => false };
    const { holds, steps } = await verify(pay.id, none);
    expect(holds).toBe(false);
    expect(steps.filter((step) => !step.holds).map(({ what }) => what)).toEqual([
      'Its owner signed it',
      '1 of 1 keepers signed it in one round',
    ]);
  });
});
