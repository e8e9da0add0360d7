import { describe, expect, it } from 'vitest';
import { createStore } from '../core/events.ts';
import { err, fault, ok, unwrap } from '../core/result.ts';
import type { LedgerAccess, Outcome } from '../ledger/access.ts';
import { createPerson, createTestGenesis, createTestLedger, type TestLedger } from '../ledger/testDoubles.ts';
import type { LedgerState, OperationId } from '../ledger/types.ts';
import { createGovernance } from './governance.ts';

const vc = 1_000_000;
const ana = createPerson('ana');
const ben = createPerson('ben');
const dearer = {
  description: 'Dearer transfers',
  actions: [{ kind: 'parameter', name: 'transferFee', value: 2_000 } as const],
};

/** A wallet that orders at once. */
const accessTo = (ledger: TestLedger): LedgerAccess => ({
  state: { get: () => ledger.state, subscribe: () => () => undefined },
  account: ana.id,
  epochAgeMs: () => 0,
  async submit(kind, body) {
    const refused = ledger.act(ana, kind, body);
    if (refused) return err(fault('operation', refused));
    const outcome: Outcome = { phase: 'final', id: '' as OperationId, height: ledger.state.position.height };
    return ok({ outcome: createStore<Outcome>(outcome), settled: async () => outcome });
  },
});

const begin = (hostUntilPower = 0) => {
  const ledger = createTestLedger(
    createTestGenesis({
      host: ana.id,
      parameters: { epochSeconds: 43_200, hostUntilPower },
      allocations: [ana, ben].map(({ id }) => ({ account: id, amount: 1_000 * vc })),
    }),
  );
  ledger.open(ana, ben);
  ledger.endEpochs(18);
  return { ledger, governance: createGovernance({ ledger: accessTo(ledger) }) };
};

describe('governance for an application', () => {
  it('says that nothing is known before a state was checked', () => {
    const state = createStore<LedgerState | undefined>(undefined);
    const governance = createGovernance({ ledger: { ...accessTo(begin().ledger), state } });
    for (const asked of [governance.proposals(), governance.treasury(), governance.tally('x')])
      expect(asked).toMatchObject({ ok: false, error: { code: 'no-state' } });
  });

  it('takes a proposal from its draft to its execution', async () => {
    const { ledger, governance } = begin();
    const { id } = unwrap(await governance.createProposal(dearer));
    expect(governance.execute(id)).toMatchObject({ ok: false, error: { code: 'not-decided' } });
    expect(await governance.castVote(id, 'for')).toMatchObject({ ok: false });
    ledger.endEpochs(3);
    unwrap(await governance.castVote(id, 'for'));
    expect(unwrap(governance.tally(id))).toMatchObject({
      phase: 'voting',
      epochsLeft: 14,
      tally: { for: 900 * vc },
      quorum: { needed: 969 * vc, reached: 900 * vc, met: false },
      own: { power: 900 * vc, vote: 'for' },
    });
    expect(ledger.act(ben, 'vote', { proposal: id, choice: 'abstain' })).toBeUndefined();
    ledger.endEpochs(14);
    expect(unwrap(governance.execute(id))).toEqual({ done: false, dueInEpochs: 4 });
    expect(ledger.act(ben, 'veto', { proposal: id })).toBeUndefined();
    expect(unwrap(governance.tally(id)).veto).toMatchObject({ power: 1_000 * vc, possible: true });
    ledger.endEpochs(4);
    expect(governance.execute(id)).toMatchObject({ ok: false, error: { code: 'over' } });
    expect(unwrap(governance.proposals()).map(({ phase }) => phase)).toEqual(['vetoed']);
    const { id: again } = unwrap(
      await governance.createProposal({ ...dearer, description: 'Once more, with feeling' }),
    );
    ledger.endEpochs(3);
    unwrap(await governance.castVote(again, 'for'));
    ledger.act(ben, 'vote', { proposal: again, choice: 'abstain' });
    ledger.endEpochs(14);
    // Nothing is vetoed twice.
    expect(await governance.veto(again)).toMatchObject({ ok: false });
    ledger.endEpochs(4);
    expect(unwrap(governance.execute(again))).toEqual({ done: true, epoch: ledger.state.epoch - 1 });
    const fee = unwrap(governance.parameters()).find(({ name }) => name === 'transferFee');
    expect(fee).toMatchObject({
      value: 2_000,
      least: 1_000,
      most: 4_000,
      nextChange: ledger.state.epoch + 59,
    });
  });

  it('shows that the host governs, and what its treasury may give', async () => {
    const { ledger, governance } = begin(100_000 * vc);
    expect(unwrap(governance.standing())).toMatchObject({
      host: ana.id,
      hostGoverns: true,
      eligiblePower: 2_000 * vc,
      ownPower: 1_000 * vc,
      powerNeeded: 100_000 * vc,
      deposit: 0,
    });
    const { id } = unwrap(
      await governance.createProposal({
        description: 'Seed corn',
        actions: [{ kind: 'treasury', to: ben.id, amount: 20_000 * vc }],
      }),
    );
    expect(unwrap(governance.execute(id))).toEqual({ done: false, dueInEpochs: 1 });
    ledger.endEpochs(1);
    expect(unwrap(governance.execute(id))).toMatchObject({ done: true });
    expect(unwrap(governance.treasury())).toEqual({
      balance: 980_000 * vc,
      opening: 1_000_000 * vc,
      income: 0,
      granted: 20_000 * vc,
      grantable: 30_000 * vc,
    });
    unwrap(await governance.delegate(ben.id));
    expect(unwrap(governance.standing()).delegate).toBe(ben.id);
  });
});
