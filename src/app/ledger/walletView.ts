import type { OwnRow } from '../../ledger/replica/store.ts';
import { earningsOf } from '../../ledger/transition/mint/index.ts';
import { accountOf } from '../../ledger/transition/purse.ts';
import type { LedgerState, Operation } from '../../ledger/types.ts';
import { type Intent, newestOf } from '../../ledger/wallet/intents.ts';
import type { Holder } from '../../ledger/wallet/outbox.ts';
import type { HistoryEntry, PendingView, WalletView } from '../ledgerView.ts';
import { type NameOf, operationInWords, partyOf } from './words.ts';

export type WalletFacts = {
  readonly state: LedgerState;
  readonly account: WalletView['account'];
  readonly holder: Holder | undefined;
  readonly intents: readonly Intent[];
  /** When this page first saw an intent; Unix ms. */
  readonly seenAt: (intent: Intent) => number;
  /** Whether a keeper can be reached. */
  readonly reachable: boolean;
  readonly dismissed: ReadonlySet<string>;
  readonly rows: readonly OwnRow[];
  readonly nameOf: NameOf;
};

/** The newest that the page lists. */
const listedEntries = 400;

export const walletViewOf = (facts: WalletFacts): WalletView => {
  const { state, account, holder } = facts;
  return {
    account,
    balance: accountOf(state, account).balance,
    unvested: earningsOf(state, account).unvested,
    locked: lockedOf(state, account),
    transferFee: state.parameters.transferFee,
    key: { phase: holder ?? 'unopened' },
    pending: facts.intents.flatMap((intent) => pendingOf(intent, facts)),
    history: historyOf(facts),
  };
};

const lockedOf = (state: LedgerState, account: WalletView['account']): number => {
  let locked = 0;
  for (const [, { payer, rest }] of state.market.escrows.entries()) if (payer === account) locked += rest;
  for (const [, { proposer, deposit }] of state.governance.open.entries())
    if (proposer === account) locked += deposit;
  return locked;
};

const pendingOf = (
  intent: Intent,
  { nameOf, seenAt, reachable, dismissed }: WalletFacts,
): readonly PendingView[] => {
  const operation = newestOf(intent)?.operation.operation;
  const { outcome, id } = intent;
  if (!operation || outcome.phase === 'final' || dismissed.has(id)) return [];
  const common = {
    id,
    what: operationInWords(operation, nameOf),
    amount: operation.kind === 'transfer' ? -operation.body.amount : 0,
    since: seenAt(intent),
  };
  if (outcome.phase === 'refused') return [{ ...common, state: 'refused', reason: outcome.reason }];
  const reason = reachable ? undefined : 'It is kept on this device, and sent when a keeper can be reached.';
  return [{ ...common, state: reachable ? 'pending' : 'waiting', reason }];
};

const historyOf = ({ rows, account, nameOf, intents }: WalletFacts): readonly HistoryEntry[] => {
  const memos = memosOf(intents);
  const memoIn = ({ operations }: OwnRow, id: string | undefined) =>
    id === undefined ? undefined : (operations.find((own) => own.id === id)?.memo ?? memos.get(id));
  return rows
    .flatMap((row) =>
      row.events
        .filter((event) => event.account === account)
        .map((event, index): HistoryEntry => {
          const about = event.about !== undefined && isAccount(event.about) ? event.about : undefined;
          return {
            key: `${row.height}/${index}`,
            what: asSentence(event.what),
            amount: event.amount,
            with: about === undefined ? undefined : partyOf(about, account, nameOf),
            memo: memoIn(row, event.operation),
            epoch: row.epoch,
            height: row.height,
            at: row.time,
            item: event.operation ?? String(row.height),
          };
        })
        .reverse(),
    )
    .slice(0, listedEntries);
};

/** Of what this device sent; others' memos stand in their operations, which the explorer opens. */
const memosOf = (intents: readonly Intent[]): ReadonlyMap<string, string> =>
  new Map(
    intents.flatMap(({ versions }) =>
      versions.flatMap(({ operation: { id, operation } }) => {
        const memo = memoOf(operation);
        return memo === undefined ? [] : [[id, memo] as const];
      }),
    ),
  );
const memoOf = (operation: Operation): string | undefined =>
  operation.kind === 'transfer' ? operation.body.memo : undefined;

const isAccount = (about: string): about is WalletView['account'] => /^[A-Za-z0-9_-]{43}$/.test(about);

const asSentence = (words: string): string => `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
