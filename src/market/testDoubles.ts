import { createStore } from '../core/events.ts';
import { err, fault, ok } from '../core/result.ts';
import type { LedgerAccess, Outcome } from '../ledger/access.ts';
import { readOperation } from '../ledger/operation.ts';
import { operationOf, type Person, type TestLedger } from '../ledger/testDoubles.ts';
import type { LedgerState, OperationBodies, OperationKind } from '../ledger/types.ts';

export interface TestAccess extends LedgerAccess {
  /** Tells what others, or time, have done to the ledger. */
  refresh(): void;
}

/** A person's wallet over a ledger in one hand: what it submits is final at once, or refused. */
export const createTestAccess = (ledger: TestLedger, person: Person): TestAccess => {
  const state = createStore<LedgerState | undefined>(ledger.state);
  return {
    state,
    account: person.id,
    epochAgeMs: () => 0,
    refresh: () => state.set(ledger.state),
    async submit<Kind extends OperationKind>(kind: Kind, body: OperationBodies[Kind]) {
      const operation = operationOf(ledger.state, person.device, { account: person.id, kind, body });
      const read = readOperation(operation);
      if (!read.ok) return read;
      const reason = ledger.act(person, kind, body);
      if (reason !== undefined) return err(fault('refused', reason));
      const { id } = operation;
      state.set(ledger.state);
      const final = { phase: 'final', id, height: ledger.state.position.height } as const;
      return ok({ outcome: createStore<Outcome>(final), settled: async () => final });
    },
  };
};
