import { describe, expect, it } from 'vitest';
import { unwrap } from '../core/result.ts';
import { certifiedBlockBytes, readCertifiedBlock } from './block.ts';
import { buildEpochBlock } from './build.ts';
import { checkCertificate, faultsOf, quorumOf } from './certificate.ts';
import { initialState } from './genesis.ts';
import { consensusBytes, contradictionOf, readConsensusMessage } from './messages.ts';
import { createTestGenesis, createTestKeeper, testCrypto } from './testDoubles.ts';
import type { Certificate } from './types.ts';

const genesis = createTestGenesis({ keepers: 4 });
const state = initialState(genesis);
const block = buildEpochBlock(state, { creator: 1, time: 1 });
const signers = ['0', '1', '2', '3'].map((name) => createTestKeeper(name).signer);

const certify = (voters: readonly number[], round = 2, signedRound = round): Certificate => {
  const message = consensusBytes({
    net: state.net,
    type: 'precommit',
    height: 1,
    round: signedRound,
    value: block.id,
  });
  return {
    round,
    precommits: voters.map((voter) => ({
      voter,
      signature: signers[voter]?.sign(message) ?? new Uint8Array(64),
    })),
  };
};
const check = (certificate: Certificate) =>
  checkCertificate({ block, certificate }, genesis.keepers, testCrypto);

describe('a certificate', () => {
  it('needs 2f + 1 of 3f + 1 keepers', () => {
    expect([1, 4, 7].map((n) => [quorumOf(n), faultsOf(n)])).toEqual([
      [1, 0],
      [3, 1],
      [5, 2],
    ]);
  });

  it('of any three of four, of one round, holds', async () => {
    expect((await check(certify([0, 1, 2]))).ok).toBe(true);
    expect((await check(certify([0, 1, 2, 3]))).ok).toBe(true);
    expect((await check(certify([1, 3]))).ok).toBe(false);
    expect((await check(certify([0, 1, 2], 2, 1))).ok).toBe(false);
  });

  it('counts no keeper twice and no stranger', async () => {
    expect(await check(certify([0, 1, 1]))).toMatchObject({ error: { message: /twice/ } });
    expect(await check(certify([2, 1, 0]))).toMatchObject({ error: { message: /order/ } });
    expect(await check(certify([0, 1, 4]))).toMatchObject({ error: { message: /no keeper 4/ } });
  });

  it('travels with its block, and nothing after it', () => {
    const bytes = certifiedBlockBytes({ block, certificate: certify([0, 1, 2]) });
    expect(unwrap(readCertifiedBlock(bytes)).block.id).toBe(block.id);
    expect(readCertifiedBlock(new Uint8Array([...bytes, 1])).ok).toBe(false);
  });
});

describe('evidence', () => {
  const vote = { net: state.net, type: 'prevote', height: 4, round: 0, value: block.id } as const;
  it('is two messages of one moment over two values', () => {
    const a = consensusBytes(vote);
    expect(unwrap(readConsensusMessage(a))).toEqual(vote);
    expect(contradictionOf(state.net, a, consensusBytes({ ...vote, value: null }))).toMatchObject({
      ok: true,
    });
    expect(contradictionOf(state.net, a, a)).toMatchObject({ ok: false });
    expect(contradictionOf(state.net, a, consensusBytes({ ...vote, round: 1 }))).toMatchObject({ ok: false });
    expect(contradictionOf(state.net, a, consensusBytes({ ...vote, type: 'precommit' })).ok).toBe(false);
    expect(contradictionOf(genesis.name as typeof state.net, a, a)).toMatchObject({ ok: false });
    expect(contradictionOf(state.net, a, new Uint8Array(9))).toMatchObject({ ok: false });
  });
});
