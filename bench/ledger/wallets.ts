/** People who pay each other: what they sign ahead, and what each must have in the end. */
import type { AccountId } from '../../src/core/brand.ts';
import { initialState } from '../../src/ledger/index.ts';
import { openBodyOf, operationOf, type Person } from '../../src/ledger/testDoubles.ts';
import type { Genesis, LedgerState, ReadOperation } from '../../src/ledger/types.ts';

export interface Wallets {
  /** Each opens its account. */
  open(): readonly ReadOperation[];
  /** In turn, each to another: valid in `epoch` and the six after it. Must all become final, in the order of each account. */
  transfers(count: number, epoch: number): readonly ReadOperation[];
  /** Throws if somebody has another balance than what was signed says. */
  verify(state: LedgerState): void;
}

export const createWallets = (genesis: Genesis, people: readonly Person[]): Wallets => {
  const state = initialState(genesis);
  const fee = genesis.parameters.transferFee;
  const numbers = new Map<AccountId, number>();
  const balances = new Map(genesis.allocations.map(({ account, amount }) => [account, amount]));
  let turn = 0;

  const nextNumber = (id: AccountId): number => {
    const seq = (numbers.get(id) ?? 0) + 1;
    numbers.set(id, seq);
    return seq;
  };
  const change = (id: AccountId, by: number) => balances.set(id, (balances.get(id) ?? 0) + by);
  const personAt = (index: number): Person => {
    const person = people[index % people.length];
    if (!person) throw new Error('there is nobody');
    return person;
  };
  const transfer = (epoch: number): ReadOperation => {
    const from = personAt(turn);
    const to = personAt(turn + 1 + (turn % (people.length - 1)));
    const amount = 1 + (turn % 1_000);
    turn++;
    change(from.id, -amount - fee);
    change(to.id, amount);
    return operationOf(state, from.device, {
      account: from.id,
      kind: 'transfer',
      body: { to: to.id, amount },
      seq: nextNumber(from.id),
      validUntil: epoch + 6,
    });
  };
  return {
    open: () =>
      people.map((person) =>
        operationOf(state, person.device, {
          account: person.id,
          kind: 'open',
          body: openBodyOf(person),
          seq: nextNumber(person.id),
        }),
      ),
    transfers: (count, epoch) => Array.from({ length: count }, () => transfer(epoch)),
    verify(final) {
      for (const [id, balance] of balances) {
        const found = final.accounts.get(id)?.balance;
        if (found !== balance) throw new Error(`account ${id} has ${found} µVC, it must have ${balance}`);
      }
    },
  };
};
