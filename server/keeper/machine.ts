import type { Bytes } from '../../src/core/bytes.ts';
import { ok, type Result } from '../../src/core/result.ts';
import {
  type KeeperEffect,
  type KeeperEvent,
  type KeeperMessage,
  type KeeperOptions,
  proposalOf,
  type RecordFault,
  restoreKeeper,
  stepKeeper,
} from '../../src/ledger/keeper/index.ts';
import type { BlockId, LedgerState } from '../../src/ledger/types.ts';

/** The pure keeper machine with its state in one hand, so that a driver can be tried with a scripted one. */
export interface KeeperMachine {
  /** `now`: monotonic milliseconds, the same clock for all calls. */
  handle(event: KeeperEvent, now: number): readonly KeeperEffect[];
  ledger(): LedgerState;
  /** `watching`: it votes no more. */
  phase(): 'quiet' | 'voting' | 'watching';
  /** Of the height that is being agreed on; -1 while this keeper has no part in it. */
  round(): number;
  /** What answers a keeper that wants this block. */
  proposalOf(block: BlockId): KeeperMessage | undefined;
}

export type Begun = { readonly machine: KeeperMachine; readonly effects: readonly KeeperEffect[] };

export type BeginMachine = (
  stored: { readonly ledger: LedgerState; readonly records: ReadonlyMap<string, Bytes> },
  options: KeeperOptions,
  now: number,
) => Result<Begun, RecordFault>;

/** An error if the records can't be read: it can't be told what was promised. */
export const beginMachine: BeginMachine = ({ ledger, records }, options, now) => {
  const restored = restoreKeeper(options, { chain: ledger, records }, now);
  if (!restored.ok) return restored;
  const [first, effects] = restored.value;
  let state = first;
  const machine: KeeperMachine = {
    handle(event, at) {
      const [next, caused] = stepKeeper(state, event, at);
      state = next;
      return caused;
    },
    ledger: () => state.chain,
    phase: () => state.phase,
    round: () => state.height?.agreement.round ?? -1,
    proposalOf: (block) => proposalOf(state, block),
  };
  return ok({ machine, effects });
};
