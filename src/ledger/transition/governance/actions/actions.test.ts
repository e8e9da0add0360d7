import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unwrap } from '../../../../core/result.ts';
import { parseWith } from '../../../../core/schema.ts';
import { initialParameters, parameterNames, parameterTable } from '../../../parameters.ts';
import { checkSignatures } from '../../../signatures.ts';
import { createPerson, createTestKeeper, operationOf, testCrypto } from '../../../testDoubles.ts';
import type { ListingId } from '../../mint/types.ts';
import { countersignatureMessage, proposalIdOf } from '../proposals.ts';
import { parametersOf } from '../queries.ts';
import { createTestSwarm, type TestSwarm } from '../testDoubles.ts';
import type { Action, GovernanceBodies } from '../types.ts';
import { actionSchema } from './index.ts';
import { stepBounds } from './parameter.ts';
import { treasuryWindow } from './treasury.ts';

const vc = 1_000_000;
const ana = createPerson('ana');
const ben = createPerson('ben');
const quick = {
  parameters: { draftDays: 0, votingDays: 1, extensionDays: 0, timelockDays: 0, proposalDeposit: 0 },
};
const begin = (given = {}) =>
  createTestSwarm(
    new Map([
      [ana, 1_000],
      [ben, 100],
    ]),
    { ...quick, ...given },
  );
const fee = (value: number): Action => ({ kind: 'parameter', name: 'transferFee', value });
const grant = (amount: number): Action => ({ kind: 'treasury', to: ben.id, amount: amount * vc });

/** Proposed, carried by Ana, and over two days later. */
const carry = (swarm: TestSwarm, actions: readonly Action[], description?: string) => {
  const id = swarm.propose(ana, actions, description);
  swarm.ledger.endEpochs(1);
  swarm.vote(ana, id, 'for');
  swarm.ledger.endEpochs(3);
  return swarm.view(id);
};

describe('an action as it was sent', () => {
  it.each([
    ['nothing known', '{"kind":"coup"}'],
    ['more than it should', '{"kind":"treasury","to":"ID","amount":1,"more":1}'],
    ['a prototype', '{"kind":"treasury","to":"ID","amount":1,"__proto__":"x"}'],
    ['its members in a prototype', '{"kind":"treasury","__proto__":{"to":"ID","amount":1}}'],
    ['no members', '7'],
  ])('with %s is refused', (_, text) => {
    const sent: unknown = JSON.parse(text.replace('ID', ben.id));
    expect(parseWith(actionSchema, sent).ok).toBe(false);
    expect(parseWith(actionSchema, grant(1)).ok).toBe(true);
  });
});

describe('a parameter', () => {
  it('changes by at most a doubling or a halving, within its bounds', () => {
    const swarm = begin();
    for (const [value, why] of [
      [2_001, '500 to 2000'],
      [499, '500 to 2000'],
      [1_000, '1000 already'],
    ] as const)
      expect(swarm.tryPropose(ana, [fee(value)])).toContain(why);
    expect(swarm.tryPropose(ana, [{ kind: 'parameter', name: 'minPrice', value: 7 }])).toContain('8 to 16');
    expect(carry(swarm, [fee(500)]).phase).toBe('executed');
  });

  it('turns a switch either way, and rises from nothing to what it began with', () => {
    const parameters = { ...initialParameters(), mintFormula: 0, transferFee: 0, draftDays: 1 };
    expect(stepBounds(parameters, 'mintFormula')).toEqual({ least: 0, most: 1 });
    expect(stepBounds({ ...parameters, mintFormula: 1 }, 'mintFormula')).toEqual({ least: 0, most: 1 });
    expect(stepBounds(parameters, 'transferFee')).toEqual({ least: 0, most: 1_000 });
    expect(stepBounds(parameters, 'draftDays')).toEqual({ least: 0, most: 2 });
  });

  it('never leaves its bounds, whatever is asked', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...parameterNames),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (name, at) => {
          const { least, most } = parameterTable[name];
          const present = Math.min(most, least + Math.floor(at * (most - least)));
          const step = stepBounds({ ...initialParameters(), [name]: present }, name);
          expect(step.least).toBeGreaterThanOrEqual(least);
          expect(step.most).toBeLessThanOrEqual(most);
          expect(step.least).toBeLessThanOrEqual(present);
          expect(step.most).toBeGreaterThanOrEqual(present);
        },
      ),
      { seed: 7 },
    );
  });

  it('is not to be played ping-pong with: it changes once in 30 days', () => {
    const swarm = begin();
    expect(carry(swarm, [fee(2_000)]).phase).toBe('executed');
    const { nextChange } = parametersOf(swarm.ledger.state).find(({ name }) => name === 'transferFee') ?? {
      nextChange: 0,
    };
    expect(carry(swarm, [fee(1_000)])).toMatchObject({
      phase: 'failed',
      reason: expect.stringContaining('30 days'),
    });
    swarm.ledger.endEpochs(nextChange - swarm.ledger.state.epoch - 4);
    // The first of these ends one epoch too early.
    expect(carry(swarm, [fee(4_000)], 'too early').phase).toBe('failed');
    expect(carry(swarm, [fee(4_000)], 'in time').phase).toBe('executed');
  });

  it('is changed once by one proposal, and the length of an epoch by none', () => {
    const swarm = begin();
    expect(swarm.tryPropose(ana, [fee(2_000), fee(1_500)])).toContain('twice');
    expect(swarm.tryPropose(ana, [{ kind: 'parameter', name: 'epochSeconds', value: 86_400 }])).toContain(
      'fixed at genesis',
    );
  });
});

describe('the treasury', () => {
  it('cannot be drained by many proposals: 5 % in any 30 days, exactly', () => {
    const swarm = begin({ treasury: 1_000 * vc });
    expect(swarm.tryPropose(ana, [grant(51)])).toContain('more than the 50 VC');
    expect(carry(swarm, [grant(30)], 'one').phase).toBe('executed');
    expect(carry(swarm, [grant(20), { kind: 'treasury', to: ben.id, amount: 1 }], 'two').phase).toBe(
      'failed',
    );
    expect(carry(swarm, [grant(20)], 'three').phase).toBe('executed');
    for (let i = 0; i < 12; i++) {
      expect(carry(swarm, [{ kind: 'treasury', to: ben.id, amount: 1 }], `four ${i}`).phase).toBe('failed');
    }
    expect(swarm.ledger.state.treasury).toBe(950 * vc);
    expect(treasuryWindow(swarm.ledger.state)).toMatchObject({ granted: 50 * vc, grantable: 0 });
  });

  it('has no border at which twice as much could be taken', () => {
    const swarm = begin({ treasury: 1_000 * vc });
    const given: { readonly epoch: number; readonly amount: number }[] = [];
    for (let round = 0; round < 45; round++) {
      const { grantable } = treasuryWindow(swarm.ledger.state);
      const amount = Math.max(1, Math.floor(grantable / 2));
      const { phase } = carry(swarm, [{ kind: 'treasury', to: ben.id, amount }], `round ${round}`);
      if (phase === 'executed') given.push({ epoch: swarm.ledger.state.epoch - 1, amount });
    }
    for (const { epoch: last } of given) {
      const within = given.filter(({ epoch }) => epoch <= last && epoch > last - 60);
      expect(within.reduce((sum, { amount }) => sum + amount, 0)).toBeLessThanOrEqual(50 * vc);
    }
    expect(given.length).toBeGreaterThan(20);
  });

  it('takes fees in', () => {
    const swarm = begin({ treasury: 1_000 * vc });
    swarm.transfer(ana, ben, 1);
    expect(treasuryWindow(swarm.ledger.state)).toMatchObject({ opening: 1_000 * vc, income: 1_000 });
  });
});

describe('an upgrade', () => {
  it('is the build of one hash: another at the same url is another proposal', () => {
    const swarm = begin();
    const build = (letter: string): Action => ({
      kind: 'upgrade',
      build: letter.repeat(64),
      url: 'https://x/app.js',
    });
    const voted = swarm.propose(ana, [build('a')]);
    const swapped = swarm.propose(ben, [build('b')]);
    expect(swapped).not.toBe(voted);
    swarm.ledger.endEpochs(1);
    swarm.vote(ana, voted, 'for');
    swarm.ledger.endEpochs(3);
    expect(swarm.view(swapped).phase).toBe('rejected');
    expect(swarm.ledger.state.governance.upgrades).toMatchObject([
      { build: 'a'.repeat(64), proposal: voted },
    ]);
    expect(swarm.tryPropose(ana, [build('a')])).toContain('already');
  });
});

describe('keepers', () => {
  const newcomers = ['x', 'y', 'z'].map(createTestKeeper);
  type Newcomer = ReturnType<typeof createTestKeeper>;
  const bodyOf = (swarm: TestSwarm, action: Action<'keepers'>, signers: readonly Newcomer[]) => {
    const content = { description: 'Keepers', actions: [action] };
    const { net, position } = swarm.ledger.state;
    const message = countersignatureMessage(net, proposalIdOf(content), position.stateRoot);
    const countersignatures = signers.map(({ keeper, signer }) => ({
      key: keeper.key,
      stateRoot: position.stateRoot,
      signature: signer.sign(message),
    }));
    return { ...content, countersignatures } satisfies GovernanceBodies['propose'];
  };
  const [x] = newcomers;
  if (!x) throw new Error('no newcomer');
  const names = (swarm: TestSwarm) => swarm.ledger.state.keepers.map(({ name }) => name);
  const seat = (swarm: TestSwarm, index: number) => swarm.ledger.state.keepers.slice(index, index + 1);
  const replace = (swarm: TestSwarm, index: number, newcomer: Newcomer): Action<'keepers'> => ({
    kind: 'keepers',
    remove: seat(swarm, index).map(({ key }) => key),
    add: [newcomer.keeper],
  });

  it('change by one seat, for a newcomer that countersigned the last certified state', () => {
    const swarm = begin({ keepers: 4 });
    const body = bodyOf(swarm, replace(swarm, 1, x), [x]);
    expect(swarm.ledger.act(ana, 'propose', body)).toBeUndefined();
    const id = proposalIdOf(body);
    swarm.ledger.endEpochs(1);
    swarm.vote(ana, id, 'for');
    swarm.ledger.endEpochs(2);
    const [fresh] = bodyOf(swarm, body.actions[0] ?? replace(swarm, 1, x), [x]).countersignatures;
    if (fresh) expect(swarm.ledger.act(ben, 'countersign', { proposal: id, ...fresh })).toBeUndefined();
    swarm.ledger.endEpochs(1);
    expect(names(swarm)).toEqual(['0', 'x', '2', '3']);
  });

  it('do not change for a newcomer that has not been heard of for a day', () => {
    const swarm = begin({ keepers: 4 });
    const body = bodyOf(swarm, replace(swarm, 1, x), [x]);
    swarm.ledger.act(ana, 'propose', body);
    swarm.ledger.endEpochs(1);
    swarm.vote(ana, proposalIdOf(body), 'for');
    swarm.ledger.endEpochs(3);
    expect(swarm.view(proposalIdOf(body))).toMatchObject({
      phase: 'failed',
      reason: expect.stringContaining('did not countersign within a day'),
    });
    expect(names(swarm)).toEqual(['0', '1', '2', '3']);
  });

  it('go from one to four and back in steps of three, and by no other number', () => {
    const swarm = createTestSwarm(new Map([[ana, 1]]), {
      host: ana,
      parameters: { hostUntilPower: 10 * vc },
    });
    const step: Action<'keepers'> = {
      kind: 'keepers',
      remove: [],
      add: newcomers.map(({ keeper }) => keeper),
    };
    const two = { ...step, add: step.add.slice(0, 2) };
    expect(swarm.ledger.act(ana, 'propose', bodyOf(swarm, two, newcomers.slice(0, 2)))).toContain(
      'three more or three less',
    );
    expect(swarm.ledger.act(ana, 'propose', bodyOf(swarm, step, newcomers))).toBeUndefined();
    swarm.ledger.endEpochs(1);
    expect(names(swarm)).toEqual(['0', 'x', 'y', 'z']);
    const back: Action<'keepers'> = {
      kind: 'keepers',
      remove: newcomers.map(({ keeper }) => keeper.key),
      add: [],
    };
    expect(swarm.ledger.act(ana, 'propose', bodyOf(swarm, back, []))).toBeUndefined();
    swarm.ledger.endEpochs(1);
    expect(names(swarm)).toEqual(['0']);
  });

  it('change once in an epoch: a second proposal waits for the next', () => {
    const swarm = createTestSwarm(new Map([[ana, 1]]), {
      host: ana,
      keepers: 4,
      parameters: { hostUntilPower: 10 * vc },
    });
    for (const [index, newcomer] of newcomers.slice(0, 2).entries())
      expect(
        swarm.ledger.act(ana, 'propose', bodyOf(swarm, replace(swarm, index, newcomer), [newcomer])),
      ).toBeUndefined();
    swarm.ledger.endEpochs(1);
    expect(names(swarm)).toEqual(['x', '1', '2', '3']);
    swarm.ledger.endEpochs(1);
    expect(names(swarm)).toEqual(['x', 'y', '2', '3']);
  });

  it('are not proposed with a stale root, without a countersignature, or with another’s key', () => {
    const swarm = begin({ keepers: 4 });
    const action = replace(swarm, 1, x);
    const stale = bodyOf(swarm, action, [x]);
    expect(swarm.ledger.act(ana, 'propose', bodyOf(swarm, action, []))).toContain('must countersign');
    swarm.ledger.endEpochs(1);
    expect(swarm.ledger.act(ana, 'propose', stale)).toContain('the newest one');
    const doubled = { ...x, keeper: { ...x.keeper, key: seat(swarm, 2)[0]?.key ?? x.keeper.key } };
    expect(swarm.ledger.act(ana, 'propose', bodyOf(swarm, replace(swarm, 1, doubled), [doubled]))).toContain(
      'its own',
    );
  });

  it('need the newcomer’s own signature, which whoever verifies a block checks', async () => {
    const swarm = begin({ keepers: 4 });
    const action = replace(swarm, 1, x);
    const signed = bodyOf(swarm, action, [x]);
    const forged = {
      ...signed,
      countersignatures: signed.countersignatures.map((one) => ({
        ...one,
        signature: ana.device.sign(one.stateRoot),
      })),
    };
    const checked = async (body: GovernanceBodies['propose']) => {
      const operation = operationOf(swarm.ledger.state, ana.device, {
        account: ana.id,
        kind: 'propose',
        body,
      });
      return checkSignatures(swarm.ledger.state, [operation], testCrypto);
    };
    unwrap(await checked(signed));
    expect(await checked(forged)).toMatchObject({ ok: false });
  });
});

describe('a listing', () => {
  const content = {
    title: 'Read the parish books',
    class: 'ocr',
    model: new Uint8Array(32).fill(1),
    inputs: new Uint8Array(32).fill(2),
    units: 100,
    cost: 4_000,
    cpuMilliseconds: 1_500,
    memoryMegabyteSeconds: 300,
    match: { kind: 'hash' },
  } as const;
  const reference = (input: number, output: number) => ({
    input: new Uint8Array(32).fill(input),
    output: new Uint8Array(32).fill(output),
    openings: [],
  });
  const listing = (...references: readonly ReturnType<typeof reference>[]): Action => ({
    kind: 'listing',
    listing: { ...content, references },
  });

  it('lets work mint when two thirds want it, and is closed by a majority', () => {
    const swarm = begin();
    expect(carry(swarm, [listing(reference(3, 4), reference(5, 6))]).phase).toBe('executed');
    const [id] = [...swarm.ledger.state.mint.listings.keys()];
    if (id === undefined) throw new Error('nothing was listed');
    expect(swarm.ledger.state.mint.listings.get(id)).toMatchObject({ title: content.title, closed: false });
    expect(carry(swarm, [{ kind: 'unlisting', id: id as ListingId }]).phase).toBe('executed');
    expect(swarm.ledger.state.mint.listings.get(id)?.closed).toBe(true);
  });

  it('whose references one answer would satisfy is not even proposed', () => {
    const swarm = begin();
    expect(swarm.tryPropose(ana, [listing(reference(3, 4), reference(5, 4))])).toContain('matching outputs');
  });
});
