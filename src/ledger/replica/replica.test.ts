import { describe, expect, it } from 'vitest';
import { type Bytes, concatBytes } from '../../core/bytes.ts';
import { unwrap } from '../../core/result.ts';
import { applyBlock } from '../apply.ts';
import { certifiedBlockBytes, readCertifiedBlock } from '../block.ts';
import { buildEpochBlock } from '../build.ts';
import { stateRootOf } from '../stateRoot.ts';
import {
  createPerson,
  createTestGenesis,
  createTestSigner,
  operationOf,
  testCrypto,
} from '../testDoubles.ts';
import { advanceBy } from './advance.ts';
import { fromGenesis } from './openStored.ts';
import { createReplica } from './replica.ts';
import { readFrames } from './stage.ts';
import { certify, createTestChain } from './testDoubles.ts';

const [ana, ben] = [createPerson('ana'), createPerson('ben')];
const genesis = createTestGenesis({
  keepers: 4,
  allocations: [
    { account: ana.id, amount: 100_000_000 },
    { account: ben.id, amount: 100_000_000 },
  ],
});
const chainOf = (transfers: number) => {
  const chain = createTestChain(genesis);
  chain.open(ana, ben);
  for (let i = 0; i < transfers; i++) chain.act(ana, 'transfer', { to: ben.id, amount: 1 + i });
  chain.endEpoch();
  return chain;
};
const newReplica = () => createReplica(fromGenesis(genesis), { crypto: testCrypto });
const framesOf = (bytes: readonly Bytes[]) => unwrap(readFrames(bytes));
/** A block with something else in it, and whatever certificate it had or is given. */
const rebuilt = (
  bytes: Bytes,
  change: (certified: ReturnType<typeof reread>) => ReturnType<typeof reread>,
): Bytes => certifiedBlockBytes(change(reread(bytes)));
const reread = (bytes: Bytes) => unwrap(readCertifiedBlock(bytes));

describe('a replica', () => {
  it('ends in the state of those who made the blocks, in one run or in many', async () => {
    const chain = chainOf(5);
    const [whole, piecewise] = [newReplica(), newReplica()];
    expect((await whole.take(framesOf(chain.frames))).ok).toBe(true);
    for (const frame of framesOf(chain.frames)) expect((await piecewise.take([frame])).ok).toBe(true);
    for (const replica of [whole, piecewise]) {
      expect(replica.state.position).toEqual(chain.state.position);
      expect(stateRootOf(replica.state)).toEqual(stateRootOf(chain.state));
      expect(replica.heads().epoch.height).toBe(8);
    }
  });

  it('takes runs side by side, and passes over what it has', async () => {
    const chain = chainOf(4);
    const replica = newReplica();
    const frames = framesOf(chain.frames);
    const runs = await Promise.all([
      replica.take(frames.slice(0, 3)),
      replica.take(frames.slice(2, 5)),
      replica.take(frames),
    ]);
    expect(runs.map((run) => run.ok && run.value.applied.length)).toEqual([3, 2, 2]);
    expect(replica.state.position.height).toBe(7);
  });

  it('drops what was taken on top of a run that turned out wrong, and takes the right one then', async () => {
    const chain = chainOf(4);
    const forged = rebuilt(chain.frames[2] as Bytes, (certified) => ({
      ...certified,
      certificate: { round: 1, precommits: certified.certificate.precommits },
    }));
    const replica = newReplica();
    const good = framesOf(chain.frames);
    const results = await Promise.all([
      replica.take(framesOf([...chain.frames.slice(0, 2), forged])),
      replica.take(good.slice(3, 5)),
    ]);
    expect(results.map((result) => !result.ok && result.error.code)).toEqual(['block', 'dropped']);
    expect(replica.state.position.height).toBe(0);
    expect((await replica.take(good)).ok).toBe(true);
  });

  const wrongs: Record<string, (bytes: Bytes) => Bytes> = {
    'trailing bytes': (bytes) => concatBytes(bytes, Uint8Array.of(0)),
    'a precommit too few': (bytes) =>
      rebuilt(bytes, ({ block, certificate }) => ({
        block,
        certificate: { ...certificate, precommits: certificate.precommits.slice(1) },
      })),
    'a voter counted twice': (bytes) =>
      rebuilt(bytes, ({ block, certificate }) => {
        const [first, second] = certificate.precommits;
        return {
          block,
          certificate: { round: 0, precommits: [first, first, second].filter((one) => one !== undefined) },
        };
      }),
    'a voter nobody knows': (bytes) =>
      rebuilt(bytes, ({ block, certificate }) => ({
        block,
        certificate: {
          round: 0,
          precommits: certificate.precommits.map((one, at) => (at === 2 ? { ...one, voter: 9 } : one)),
        },
      })),
    'keys of other keepers': (bytes) =>
      rebuilt(bytes, ({ block }) => ({
        block,
        certificate: certify(block, 4, (seat) => createTestSigner(`mallory ${seat}`)),
      })),
  };
  it.each(Object.entries(wrongs))(
    'refuses a block with %s, and nothing has changed',
    async (_name, change) => {
      const chain = chainOf(1);
      const replica = newReplica();
      await replica.take(framesOf(chain.frames.slice(0, 2)));
      const before = replica.state;
      const frames = readFrames([change(chain.frames[2] as Bytes)]);
      const refused = frames.ok ? await replica.take(frames.value) : frames;
      expect(refused).toMatchObject({ ok: false, error: { code: 'block' } });
      expect(replica.state).toBe(before);
      expect((await replica.take(framesOf(chain.frames))).ok).toBe(true);
    },
  );

  it('refuses blocks of another swarm and of another epoch, and an operation its owner did not sign', async () => {
    const other = createTestChain(createTestGenesis({ keepers: 4, treasury: 1 }));
    other.endEpoch();
    const chain = chainOf(0);
    const late = createTestChain(genesis);
    late.endEpoch();
    const replica = newReplica();
    expect(await replica.take(framesOf(other.frames))).toMatchObject({ error: { code: 'other-chain' } });
    await replica.take(framesOf(chain.frames));
    const robbed = chain.branch();
    robbed.order([
      operationOf(robbed.state, createTestSigner('mallory'), {
        account: ana.id,
        kind: 'transfer',
        body: { to: ben.id, amount: 5 },
      }),
    ]);
    const forged = await replica.take(framesOf(robbed.frames.slice(-1)));
    expect(forged).toMatchObject({ error: { code: 'block', message: expect.stringContaining('signature') } });
  });

  it('refuses an epoch block that tells another supply or state, though it is certified', async () => {
    const chain = chainOf(0);
    const replica = newReplica();
    await replica.take(framesOf(chain.frames));
    const made = buildEpochBlock(
      { ...chain.state, treasury: chain.state.treasury + 1 },
      { creator: 0, time: 1 },
    );
    const bytes = certifiedBlockBytes({ block: made, certificate: certify(made, 4) });
    expect(await replica.take(framesOf([bytes]))).toMatchObject({ error: { code: 'block' } });
  });

  it('takes no interest in how late the makers’ clocks say it is', async () => {
    const chain = chainOf(0);
    const replica = newReplica();
    await replica.take(framesOf(chain.frames));
    const block = buildEpochBlock(chain.state, { creator: 0, time: 4_102_444_800_000 });
    const taken = await replica.take(
      framesOf([certifiedBlockBytes({ block, certificate: certify(block, 4) })]),
    );
    expect(taken.ok).toBe(true);
  });

  it('says what lacks when a block comes too early', async () => {
    const chain = chainOf(2);
    const early = await newReplica().take(framesOf(chain.frames.slice(3)));
    expect(early).toMatchObject({
      error: { code: 'gap', message: expect.stringContaining('1 was to come') },
    });
  });
});

describe('two certified histories', () => {
  it('are proof, whether the other block has our height or the next, and end the following', async () => {
    const chain = chainOf(1);
    for (const blocks of [1, 2]) {
      const replica = newReplica();
      const branch = createTestChain(genesis);
      for (const frame of chain.frames.slice(0, 3)) await replica.take(framesOf([frame]));
      branch.open(ana, ben);
      for (let i = 0; i < blocks; i++) branch.act(ben, 'transfer', { to: ana.id, amount: 7 });
      const theirs = framesOf(branch.frames.slice(-1));
      const [frame] = theirs;
      if (!frame) throw new Error('no frame');
      const proof = unwrap(await replica.judge(frame));
      expect(proof).toMatchObject({ height: 3, theirs: frame.bytes });
      expect(await replica.take(framesOf(chain.frames))).toMatchObject({ error: { code: 'fork' } });
      expect(replica.state.position.height).toBe(3);
    }
  });

  it('are none if nobody certified the other, or it is our own', async () => {
    const chain = chainOf(1);
    const replica = newReplica();
    await replica.take(framesOf(chain.frames));
    const [own] = framesOf(chain.frames.slice(-1));
    const other = buildEpochBlock(chain.state, { creator: 1, time: 1 });
    const [liar] = framesOf([
      certifiedBlockBytes({
        block: { ...other, ...reread(chain.frames.at(-2) as Bytes).block },
        certificate: certify(other, 4, () => createTestSigner('liar')),
      }),
    ]);
    if (!own || !liar) throw new Error('no frame');
    expect((await replica.judge(own)).ok).toBe(false);
    expect((await replica.judge(liar)).ok).toBe(false);
    expect(replica.fork).toBeUndefined();
  });
});

describe('advancing by a checked block', () => {
  it('ends where applying it does', () => {
    const chain = createTestChain(genesis);
    chain.open(ana, ben);
    chain.act(ana, 'transfer', { to: ben.id, amount: 3 });
    chain.endEpoch();
    let [quick, whole] = [fromGenesis(genesis).state, fromGenesis(genesis).state];
    for (const { certified } of framesOf(chain.frames)) {
      quick = advanceBy(quick, certified.block)?.state ?? quick;
      whole = unwrap(applyBlock(whole, certified.block)).state;
    }
    expect(quick.position).toEqual(whole.position);
    expect(stateRootOf(quick)).toEqual(stateRootOf(whole));
  });

  it('is refused where it does not follow', () => {
    const chain = chainOf(0);
    const [, second] = framesOf(chain.frames);
    if (!second) throw new Error('no frame');
    expect(advanceBy(fromGenesis(genesis).state, second.certified.block)).toBeUndefined();
  });
});
