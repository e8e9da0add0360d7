import { describe, expect, it } from 'vitest';
import { operationKinds } from '../../../src/ledger/operation.ts';
import { fuzz } from '../fuzz.ts';
import { createLedgerTargets, createVillages } from './targets.ts';
import { phasesOf } from './village.ts';

/** `npm run fuzz -- --only ledger` takes a million each. */
const inputs = 600;
const seed = 1;
const villages = createVillages();
const targets = createLedgerTargets(villages);

describe('the villages', () => {
  const all = Object.values(villages);

  it('take operations of every kind', () => {
    const kinds = new Set(all.flatMap(({ operations }) => operations.map(({ kind }) => kind)));
    expect([...kinds].sort()).toEqual(operationKinds.toSorted());
    for (const { operations } of all) expect(operations.some(({ kind }) => kind === 'propose')).toBe(true);
  });

  it('have units, orders and proposals in every phase, and all else that can be named', () => {
    const phases = new Set(all.flatMap(({ state }) => [...phasesOf(state)]));
    expect([...phases].sort()).toEqual([
      'delegates',
      'enrolments',
      'evidence',
      'offers',
      'order: matched',
      'order: placed',
      'order: settled',
      'proposal: draft',
      'proposal: executed',
      'proposal: failed',
      'proposal: rejected',
      'proposal: timelock',
      'proposal: voting',
      'reveals',
      'unit: commit',
      'unit: decided',
      'unit: open',
      'unit: reveal',
      'unit: review',
      'unit: settle',
      'unvested',
    ]);
  });
});

describe.each(targets)('whatever a stranger sends as $name', (target) => {
  it('what is valid is accepted', async () => {
    if (target.name.startsWith('ledger: a village')) return; // one operation may rule out the next
    for (const bytes of target.valid) expect(await target.decode(bytes)).toBe(true);
  });

  it(`is a value or a fault: ${inputs} damaged messages from seed ${seed}`, { timeout: 60_000 }, async () => {
    const report = await fuzz(target, seed, inputs);
    expect(report.thrown).toEqual([]);
    expect(report.accepted).toBeLessThan(inputs / 2); // else nothing was damaged
  });
});
