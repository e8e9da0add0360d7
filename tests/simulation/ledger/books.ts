import { equalBytes } from '../../../src/core/bytes.ts';
import { sha256Bytes } from '../../../src/core/hash.ts';
import { proposalIdOf } from '../../../src/ledger/transition/governance/proposals.ts';
import type { Keeper, LedgerState, Operation, ReadOperation } from '../../../src/ledger/types.ts';
import { identityVerified } from './people.ts';
import type { Scheme } from './scheme.ts';

export type Entry = { balance: number; seq: number; key: Uint8Array | null; recovery: Uint8Array | null };

/**
 * What every operation does, written a second time with maps and sums: no table, no module, nothing of `applyBlock`. Prices alone
 * are taken from the ledger; `../market` judges them.
 */
export interface Books {
  readonly entries: ReadonlyMap<string, Entry>;
  readonly epoch: number;
  readonly treasury: number;
  /** Locked for orders. */
  readonly escrow: number;
  /** Of the heights after the next epoch block, if it comes now. */
  nextKeepers(): readonly Keeper[];
  entryOf(account: string): Entry;
  /** Books it, whatever it is; `bad` hears of what is wrong with it. */
  book(read: ReadOperation, bad: (why: string) => void): void;
  /** `state`: after it, for the new prices. */
  endEpoch(state: LedgerState): void;
}

type Order = {
  readonly payer: string;
  readonly price: number;
  readonly locked: number;
  rest: number;
  due: number;
  settled: boolean;
  readonly costs: Map<string, number>;
};
type Body<Kind extends Operation['kind']> = Extract<Operation, { kind: Kind }>['body'];

export const createBooks = (genesis: LedgerState, scheme: Scheme): Books => {
  const { payFeeDivisor, cancelDivisor, challengeEpochs } = genesis.parameters;
  const entries = new Map<string, Entry>();
  const orders = new Map<string, Order>();
  const proposals = new Map<string, Body<'propose'>['actions']>();
  const revealed = new Set<number>();
  let keepers = genesis.nextKeepers;
  let { treasury, epoch } = genesis;
  let fee = genesis.parameters.transferFee;
  let prices = genesis.market.classes;
  for (const [id, { balance }] of genesis.accounts.entries())
    entries.set(id, { balance, seq: 0, key: null, recovery: null });

  const entryOf = (id: string): Entry => {
    const entry = entries.get(id) ?? { balance: 0, seq: 0, key: null, recovery: null };
    entries.set(id, entry);
    return entry;
  };
  const close = (id: string, order: Order, cost: number): void => {
    orders.delete(id);
    entryOf(order.payer).balance += order.rest - cost;
    treasury += cost;
  };
  const settle = ({ escrow, payees }: Body<'settle'>, account: string, bad: (why: string) => void) => {
    const order = orders.get(escrow);
    if (!order || order.payer !== account) return bad("settles what is not its account's order");
    if (!order.settled) order.due = epoch + challengeEpochs;
    order.settled = true;
    for (const [worker, cost] of payees) {
      const before = order.costs.get(worker) ?? 0;
      const paid = (upTo: number) => Math.floor((upTo * order.price) / 1_000_000);
      const part = (upTo: number) => Math.floor(paid(upTo) / payFeeDivisor);
      const [pay, forTreasury] = [paid(cost) - paid(before), part(cost) - part(before)];
      order.costs.set(worker, cost);
      order.rest -= pay;
      treasury += forTreasury;
      entryOf(worker).balance += pay - forTreasury;
    }
    if (order.rest < 0) bad('pays more than was locked');
  };
  const place = (id: string, { class: name, max, limit, deadline }: Body<'order'>, payer: string) => {
    const locked = Math.ceil((max * limit) / 1_000_000);
    const price = prices[name]?.price ?? 0;
    entryOf(payer).balance -= locked;
    orders.set(id, { payer, price, locked, rest: locked, due: deadline, settled: false, costs: new Map() });
  };
  const carryOut = (actions: Body<'propose'>['actions']): void => {
    for (const action of actions) {
      if (action.kind === 'parameter') fee = action.value;
      if (action.kind === 'treasury') {
        treasury -= action.amount;
        entryOf(action.to).balance += action.amount;
      }
      if (action.kind === 'keepers') keepers = replaced(keepers, action);
    }
  };

  return {
    entries,
    entryOf,
    get epoch() {
      return epoch;
    },
    get treasury() {
      return treasury;
    },
    get escrow() {
      return [...orders.values()].reduce((sum, { rest }) => sum + rest, 0);
    },
    nextKeepers: () =>
      [...proposals.values()]
        .flat()
        .reduce((now, action) => (action.kind === 'keepers' ? replaced(now, action) : now), keepers),
    book({ operation, id }, bad) {
      const { account } = operation;
      const entry = entryOf(account);
      if (operation.kind !== 'open' && !entry.key) bad('is of an account that was never opened');
      switch (operation.kind) {
        case 'open':
          if (entry.key) bad('opens an open account');
          if (!identityVerified(account, operation.body, scheme)) bad('has a certificate that does not hold');
          entry.key = operation.body.deviceKey;
          entry.recovery = operation.body.recoveryKey;
          return;
        case 'transfer': {
          const { amount, to } = operation.body;
          if (to === account) bad('pays itself');
          if (!(amount > 0) || entry.balance < amount + fee) bad(`spends ${amount} of ${entry.balance}`);
          entry.balance -= amount + fee;
          entryOf(to).balance += amount;
          treasury += fee;
          return;
        }
        case 'rotate':
          entry.key = operation.body.key;
          return;
        case 'recovery':
          entry.recovery = operation.body.key;
          return;
        case 'order':
          place(id, operation.body, account);
          if (entry.balance < 0) bad('locks more than there is');
          return;
        case 'settle':
          settle(operation.body, account, bad);
          return;
        case 'cancel': {
          const order = orders.get(operation.body.escrow);
          if (!order || order.payer !== account) return bad("cancels what is not its account's order");
          return close(operation.body.escrow, order, Math.floor(order.locked / cancelDivisor));
        }
        case 'propose':
          if (account !== genesis.host) bad('proposes while the host governs');
          proposals.set(proposalIdOf(operation.body), operation.body.actions);
          return;
        case 'beacon': {
          const { keeper, preimage } = operation.body;
          const known = genesis.keepers[keeper]?.beacon;
          if (!known || !equalBytes(sha256Bytes(preimage), known)) bad('reveals what nobody promised');
          if (revealed.has(keeper)) bad('reveals a second time');
          revealed.add(keeper);
          return;
        }
        default:
          bad('is nothing that anybody wanted');
      }
    },
    endEpoch(state) {
      for (const [id, order] of orders) if (order.due <= epoch) close(id, order, 0);
      for (const actions of proposals.values()) carryOut(actions);
      proposals.clear();
      prices = state.market.classes;
      epoch += 1;
    },
  };
};

/** One for one. */
const replaced = (
  keepers: readonly Keeper[],
  { remove, add }: { readonly remove: readonly Uint8Array[]; readonly add: readonly Keeper[] },
): readonly Keeper[] =>
  keepers.map((keeper) => {
    const seat = remove.findIndex((key) => equalBytes(key, keeper.key));
    return add[seat] ?? keeper;
  });
