import type { Escrow } from '../../../src/ledger/transition/market/types.ts';
import type { LedgerEvent, LedgerState, OperationId } from '../../../src/ledger/types.ts';

/**
 * Everything a second time: what people have by their histories alone, and for every order that what was locked is what was
 * paid and given back. In big integers, which can't round.
 */
export interface Books {
  readonly paidOrders: number;
  note(state: LedgerState, events: readonly LedgerEvent[]): void;
  /** What was wrong since the last call. */
  complaints(): readonly string[];
  /** Entries of the state against the books. */
  compare(state: LedgerState): readonly string[];
}

type Entry = {
  readonly escrow: Escrow;
  paid: bigint;
  readonly earned: Map<string, bigint>;
  readonly fees: Map<string, bigint>;
};

export const createBooks = (start: number): Books => {
  const change = new Map<string, bigint>();
  const open = new Map<OperationId, Entry>();
  let complaints: string[] = [];
  let paidOrders = 0;

  const expect = (found: bigint, wanted: bigint, what: string): void => {
    if (found !== wanted) complaints.push(`${what}: ${found}, not ${wanted}`);
  };

  const noteOrder = (id: OperationId, entry: Entry, { account, what, amount }: LedgerEvent): void => {
    const { escrow, earned, fees } = entry;
    if (account === undefined) return;
    if (what === 'earned') {
      entry.paid += BigInt(amount);
      add(earned, account, BigInt(amount));
    }
    if (what === 'fee') add(fees, account, BigInt(-amount));
    if (what !== 'refunded') return;
    expect(entry.paid + BigInt(amount), BigInt(escrow.locked), `order ${id} paid and gave back`);
    const cost = fees.get(escrow.payer) ?? 0n;
    if (cost > 0n) expect(cost, BigInt(escrow.locked) / 50n, `order ${id} was cancelled for`);
    if (entry.paid > 0n) paidOrders++;
    open.delete(id);
  };

  const checkPay = (id: OperationId, { earned, fees }: Entry, escrow: Escrow): void => {
    let total = 0;
    for (const [worker, { cost }] of Object.entries(escrow.payees)) {
      const pay = (BigInt(cost) * BigInt(escrow.price)) / 1_000_000n;
      expect(earned.get(worker) ?? 0n, pay, `order ${id} paid ${worker}`);
      expect(fees.get(worker) ?? 0n, pay / 50n, `order ${id} took from ${worker}`);
      total += cost;
    }
    if (total > escrow.max) complaints.push(`order ${id} paid for ${total} of ${escrow.max}`);
  };

  return {
    get paidOrders() {
      return paidOrders;
    },
    note(state, events) {
      const touched = new Set<OperationId>();
      for (const event of events) {
        if (event.account !== undefined && event.amount !== 0)
          add(change, event.account, BigInt(event.amount));
        const id = event.about as OperationId | undefined;
        if (id === undefined) continue;
        const escrow = state.market.escrows.get(id);
        if (event.what === 'locked' && escrow) {
          open.set(id, { escrow, paid: 0n, earned: new Map(), fees: new Map() });
          const wanted = (BigInt(escrow.max) * BigInt(escrow.limit) + 999_999n) / 1_000_000n;
          expect(BigInt(-event.amount), wanted, `order ${id} locked`);
        }
        const entry = open.get(id);
        if (entry) noteOrder(id, entry, event);
        touched.add(id);
      }
      for (const id of touched) {
        const [entry, escrow] = [open.get(id), state.market.escrows.get(id)];
        if (entry && escrow) checkPay(id, entry, escrow);
      }
    },
    complaints() {
      const told = complaints;
      complaints = [];
      return told;
    },
    compare(state) {
      for (const [id, { balance }] of state.accounts.entries()) {
        expect(BigInt(balance), BigInt(start) + (change.get(id) ?? 0n), `account ${id} has`);
      }
      compareCounts(state);
      return this.complaints();
    },
  };

  /** The running counts of work that the price rests on. */
  function compareCounts({ market, epoch }: LedgerState): void {
    const counts = { open: 0, placed: 0, placedBefore: 0 };
    for (const [, { settled, max, delivered, placed }] of market.escrows.entries()) {
      const waiting = settled ? 0 : max - delivered;
      counts.open += waiting;
      if (placed === epoch) counts.placed += waiting;
      if (placed === epoch - 1) counts.placedBefore += waiting;
    }
    const told = market.classes['ocr'];
    for (const name of ['open', 'placed', 'placedBefore'] as const)
      expect(BigInt(told?.[name] ?? 0), BigInt(counts[name]), `work counted as ${name}`);
    expect(BigInt(open.size), BigInt(market.escrows.size), 'open orders');
  }
};

const add = (sums: Map<string, bigint>, key: string, amount: bigint): void =>
  void sums.set(key, (sums.get(key) ?? 0n) + amount);
