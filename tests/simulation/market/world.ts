import { toBase64url, utf8 } from '../../../src/core/bytes.ts';
import { sha256Bytes } from '../../../src/core/hash.ts';
import { applyOperation, endEpoch } from '../../../src/ledger/apply.ts';
import { audit, checkConservation } from '../../../src/ledger/audit.ts';
import { initialState } from '../../../src/ledger/genesis.ts';
import { createTestGenesis, type Person } from '../../../src/ledger/testDoubles.ts';
import { accountOf } from '../../../src/ledger/transition/purse.ts';
import type {
  LedgerEvent,
  LedgerState,
  Operation,
  OperationBodies,
  OperationId,
  OperationKind,
} from '../../../src/ledger/types.ts';
import { createBooks } from './books.ts';

/**
 * A ledger without blocks or signatures, for millions of operations. After every operation the sums must meet and the order it was
 * about must be paid exactly; every tenth epoch all entries are counted, and compared with books kept from the events alone.
 */
export interface World {
  readonly state: LedgerState;
  readonly operations: number;
  readonly refused: number;
  readonly paidOrders: number;
  readonly violations: readonly string[];
  /** Undefined if it was refused. */
  operate<Kind extends OperationKind>(
    person: Person,
    kind: Kind,
    body: OperationBodies[Kind],
  ): OperationId | undefined;
  /** By how many percent the price moved. */
  endEpoch(): number;
  judgeEntries(when: string): void;
}

const startBalance = 1_000_000_000_000;

export const createWorld = (people: readonly Person[]): World => {
  const allocations = people.map(({ id: account }) => ({ account, amount: startBalance }));
  let state = withKeys(initialState(createTestGenesis({ allocations })), people);
  const books = createBooks(startBalance);
  const violations: string[] = [];
  let operations = 0;
  let refused = 0;

  const judge = (when: string, events: readonly LedgerEvent[]): void => {
    books.note(state, events);
    const conserved = checkConservation(state);
    const wrong = [conserved.ok ? undefined : conserved.error.message, ...books.complaints()];
    for (const complaint of wrong) if (complaint) violations.push(`${when}: ${complaint}`);
  };
  const judgeEntries = (when: string): void => {
    const counted = audit(state);
    if (!counted.ok) violations.push(`${when}: ${counted.error.message}`);
    for (const complaint of books.compare(state)) violations.push(`${when}: ${complaint}`);
  };

  return {
    get state() {
      return state;
    },
    get operations() {
      return operations;
    },
    get refused() {
      return refused;
    },
    get paidOrders() {
      return books.paidOrders;
    },
    violations,
    operate({ id: account }, kind, body) {
      const { net, epoch: validUntil } = state;
      const seq = accountOf(state, account).seq + 1;
      const operation = { net, account, seq, validUntil, kind, body } as unknown as Operation;
      const id = toBase64url(sha256Bytes(utf8(`${operations++}`))) as OperationId;
      const next = { ...state };
      const events: LedgerEvent[] = [];
      const none = new Uint8Array();
      const applied = applyOperation(next, { id, operation, bytes: none, signature: none }, events);
      if (!applied.ok) refused++;
      if (!applied.ok) return undefined;
      state = next;
      judge(`${kind} ${operations}`, events);
      return id;
    },
    endEpoch() {
      const events: LedgerEvent[] = [];
      const before = state.market.classes['ocr']?.price ?? 0;
      state = endEpoch(state, events);
      judge(`epoch ${state.epoch}`, events);
      if (state.epoch % 10 === 0) judgeEntries(`epoch ${state.epoch}`);
      const after = state.market.classes['ocr']?.price ?? 0;
      return Math.abs(after / before - 1) * 100;
    },
    judgeEntries,
  };
};

/** Opened, without the operations that would. */
const withKeys = (state: LedgerState, people: readonly Person[]): LedgerState => {
  let { accounts } = state;
  for (const { id, device, recovery } of people) {
    const keys = { key: device.publicKey, recovery: recovery.publicKey };
    accounts = accounts.set(id, { ...accountOf(state, id), ...keys });
  }
  return { ...state, accounts };
};
