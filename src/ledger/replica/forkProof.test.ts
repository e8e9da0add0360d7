import { describe, expect, it } from 'vitest';
import { unwrap } from '../../core/result.ts';
import { createPerson, createTestGenesis } from '../testDoubles.ts';
import { forkProofBytes, keepersOfFork, readFork, readForkProof } from './forkProof.ts';
import { createTestChain } from './testDoubles.ts';

const [ana, ben] = [createPerson('ana'), createPerson('ben')];
const genesis = createTestGenesis({ allocations: [{ account: ana.id, amount: 1_000_000 }] });

/** Two futures after two blocks. */
const begin = () => {
  const chain = createTestChain(genesis);
  chain.open(ana, ben);
  const other = chain.branch();
  const ours = chain.act(ana, 'transfer', { to: ben.id, amount: 1 });
  const theirs = other.act(ana, 'transfer', { to: ben.id, amount: 2 });
  return { chain, other, ours, theirs };
};

describe('a proof of two histories', () => {
  it('is read back from its bytes, as two blocks of one height', () => {
    const { ours, theirs } = begin();
    const proof = unwrap(readForkProof(forkProofBytes({ ours, theirs })));
    expect(proof).toEqual({ ours, theirs });
    const { height, first, second } = unwrap(readFork(proof));
    expect([height, first.block.header.height, second.block.header.height]).toEqual([3, 3, 3]);
  });

  it('may be a next block that follows another one, certified by whom the first block named', () => {
    const { chain, other } = begin();
    const ours = chain.endEpoch();
    other.endEpoch();
    const theirs = other.endEpoch();
    const fork = unwrap(readFork({ ours, theirs }));
    expect(fork.height).toBe(4);
    const { header } = fork.first.block;
    const none = keepersOfFork(fork, []);
    expect(none.first).toEqual([]);
    expect(none.second).toEqual(header.kind === 'epoch' && header.keepers);
  });

  it('is none if its blocks follow one another, are one, or are of two ledgers', () => {
    const { chain, ours } = begin();
    const next = chain.endEpoch();
    const elsewhere = createTestChain({ ...genesis, name: 'another' });
    for (const theirs of [next, ours, elsewhere.endEpoch()])
      expect(readFork({ ours, theirs })).toMatchObject({ error: { code: 'proof' } });
  });

  it.each([
    ['nothing', () => new Uint8Array()],
    ['half of it', (bytes: Uint8Array) => bytes.subarray(0, bytes.length / 2)],
    ['more than it', (bytes: Uint8Array) => Uint8Array.of(...bytes, 0)],
    ['three megabytes', () => new Uint8Array(3_000_000)],
    ['another version', (bytes: Uint8Array) => bytes.with(bytes.indexOf(1, 3), 2)],
  ])('is refused in words if the file holds %s', (_, change) => {
    const { ours, theirs } = begin();
    expect(readForkProof(change(forkProofBytes({ ours, theirs })))).toMatchObject({
      error: { code: 'proof' },
    });
    expect(readFork({ ours: ours.slice(0, 50), theirs })).toMatchObject({ error: { code: 'proof' } });
  });
});
