import { describe, expect, it } from 'vitest';
import { toBase64url } from '../../core/bytes.ts';
import { unwrap } from '../../core/result.ts';
import { certifiedBlockBytes, readCertifiedBlock } from '../../ledger/block.ts';
import { initialState } from '../../ledger/genesis.ts';
import { consensusBytes } from '../../ledger/messages.ts';
import { forkProofBytes } from '../../ledger/replica/forkProof.ts';
import { certify, createTestChain } from '../../ledger/replica/testDoubles.ts';
import { createPerson, createTestGenesis, createTestKeeper, testCrypto } from '../../ledger/testDoubles.ts';
import { createForks, keptForkItem } from './forks.ts';
import { describeFork, exportFork, verifyFork } from './forkView.ts';

const [ana, ben] = [createPerson('ana'), createPerson('ben')];
const genesis = createTestGenesis({ keepers: 4, allocations: [{ account: ana.id, amount: 1_000_000 }] });

const forkedChain = (of = genesis) => {
  const chain = createTestChain(of);
  chain.open(ana);
  const other = chain.branch();
  const ours = chain.act(ana, 'transfer', { to: ben.id, amount: 1 });
  const theirs = other.act(ana, 'transfer', { to: ben.id, amount: 2 });
  return { ours, theirs };
};

/** A browser that knows the genesis, and maybe found the proof itself. */
const openBrowser = (kept?: ReturnType<typeof forkedChain>, pinned = genesis) => {
  const accused: Uint8Array[] = [];
  const log = {
    keepersAt: async () => pinned.keepers,
    accuse: async (block: Uint8Array) => accused.push(block) > 2,
  };
  const forks = createForks({ kept: () => kept, log });
  const open = async (id: string) => unwrap(await (forks.find(id) ?? Promise.reject(new Error('no fork'))));
  const verify = async (id: string) =>
    verifyFork(await open(id), { crypto: testCrypto, state: () => initialState(pinned) });
  return { forks, accused, open, verify };
};
const failed = ({ steps }: Awaited<ReturnType<typeof verifyFork>>) =>
  steps.filter(({ holds }) => !holds).map(({ what }) => what);

/** The block under signatures of one round, by keepers that it did not name. */
const signedBy = (bytes: Uint8Array, signers: 'strangers' | 'later') => {
  const { block } = unwrap(readCertifiedBlock(bytes));
  if (signers === 'strangers')
    return certifiedBlockBytes({
      block,
      certificate: certify(block, 4, (seat) => createTestKeeper(`stranger ${seat}`).signer),
    });
  const { net, height } = block.header;
  const message = consensusBytes({ net, type: 'precommit', height, round: 1, value: block.id });
  const precommits = [1, 2, 3].map((voter) => ({
    voter,
    signature: createTestKeeper(`${voter}`).signer.sign(message),
  }));
  return certifiedBlockBytes({ block, certificate: { round: 1, precommits } });
};

describe('two histories', () => {
  it('are opened side by side, with the keepers that contradicted themselves and what to do', async () => {
    const { open } = openBrowser(forkedChain());
    const item = describeFork(await open(keptForkItem));
    const names = genesis.keepers.slice(0, 3).map(({ name }) => name);
    expect(item.title).toBe('Two histories at block 2');
    expect(item.facts).toContainEqual({ term: 'Contradicted themselves', value: names.join(', ') });
    expect(item.advice).toMatch(/no payment.*block 1/);
    const ids = item.sides?.map(({ facts }) => facts.find(({ term }) => term === 'Id')?.value);
    expect(new Set(ids).size).toBe(2);
  });

  it('of two rounds accuse nobody by name who may have been led to change the vote', async () => {
    const { ours, theirs } = forkedChain();
    const { open, verify } = openBrowser({ ours, theirs: signedBy(theirs, 'later') });
    const { facts } = describeFork(await open(keptForkItem));
    const [, second, third] = genesis.keepers;
    expect(facts[1]).toMatchObject({ term: 'Signed both' });
    expect(facts[1]?.value).toContain(`${second?.name}, ${third?.name}. At least 2 of 4`);
    expect((await verify(keptForkItem)).holds).toBe(true);
  });

  it.each(['json', 'cbor'] as const)('are checked by a stranger who is given them as %s', async (format) => {
    const finder = openBrowser(forkedChain());
    const file = exportFork(await finder.open(keptForkItem), format);
    const stranger = openBrowser();
    const id = unwrap(await stranger.forks.read(file));
    expect(await stranger.verify(id)).toMatchObject({ holds: true });
    expect(describeFork(await stranger.open(id)).advice).toMatch(/^If it holds here/);
    expect(stranger.accused).toEqual(Object.values(forkedChain()));
    const again = exportFork(await stranger.open(id), format);
    expect(await again.text()).toBe(await file.text());
  });

  it('prove nothing if strangers signed one of them, or if they are of another ledger', async () => {
    const { ours, theirs } = forkedChain();
    const forged = forkProofBytes({ ours, theirs: signedBy(theirs, 'strangers') });
    const { forks, verify } = openBrowser();
    const id = unwrap(await forks.read(new Blob([forged])));
    expect(failed(await verify(id))).toEqual(['3 of 4 keepers signed the second block in one round']);
    const foreign = forkProofBytes(forkedChain({ ...genesis, name: 'another' }));
    const other = unwrap(await forks.read(new Blob([foreign])));
    expect(failed(await verify(other))).toEqual(['Both are blocks of the ledger this browser knows']);
  });

  const { ours, theirs } = forkedChain();
  const json = (first: string, second: string) =>
    `{"v":1,"what":"fork","__proto__":{"v":1},"first":{"bytes":"${first}"},"second":{"bytes":"${second}"}}`;
  it.each([
    ['nothing', ''],
    ['no whole JSON', '{"v":1'],
    ['other JSON', '{"what":"fork"}'],
    ['what is no base64url', json('A', '?')],
    ['one block twice', json(toBase64url(ours), toBase64url(ours))],
    ['noise', 'x'.repeat(1_000)],
    ['too much', '{'.repeat(5_000_000)],
  ])('are refused in words if the file holds %s', async (_, text) => {
    const { forks, accused } = openBrowser();
    expect(await forks.read(new Blob([text]))).toMatchObject({
      ok: false,
      error: expect.stringMatching(/proof/),
    });
    expect(accused).toEqual([]);
    expect((await forks.read(new Blob([json(toBase64url(ours), toBase64url(theirs))]))).ok).toBe(true);
  });

  it('that are not here are said to be missing', async () => {
    const { forks } = openBrowser();
    expect(await forks.find(keptForkItem)).toMatchObject({ ok: false, error: /one history only/ });
    expect(await forks.find('fork-abc')).toMatchObject({ ok: false, error: /choose the file again/ });
    expect(forks.find('17')).toBeUndefined();
  });
});
