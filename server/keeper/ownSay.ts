import { equalBytes } from '../../src/core/bytes.ts';
import type { LedgerState, OperationBodies, OperationId, ReadOperation } from '../../src/ledger/types.ts';
import type { Log } from '../log.ts';
import { createCarrier } from './carrier.ts';
import { createCountersigner } from './countersigning.ts';
import type { KeeperKeys } from './keyFile.ts';

/** `successor`: the key that is to take the seat of the first. It asks for it, and speaks from the moment the ledger names it. */
export type DrivenKeys = { readonly keys: KeeperKeys; readonly successor?: KeeperKeys };

/**
 * What a keeper has to say in the ledger itself, and when: its reveals late in each epoch, its word for a successor at the
 * beginning of one, proofs as they are found. Doesn't know how operations get into blocks.
 */
export interface OwnSay {
  /** What comes in this epoch, of a keeper that begins in the middle of it. */
  begin(state: LedgerState): void;
  onEpoch(state: LedgerState): void;
  accuse(evidence: OperationBodies['evidence']): void;
  refused(id: OperationId): void;
  /** The next one, if its turn has come. */
  carry(): void;
}

/** Reveals come late in an epoch, when what its operations rest on is signed. */
const revealAfterParts = 0.9;
/** Asked for, it has a chain hashed and finds nothing. */
const neverShown = new Uint8Array(32);

export const createOwnSay = (
  deps: {
    readonly ledger: () => LedgerState;
    /** One at a time; what is on its way already is left alone. */
    readonly submit: (operation: ReadOperation) => void;
    readonly setTimer: (name: 'reveal', afterMs: number, run: () => void) => void;
    readonly log: Log;
  },
  { keys, successor }: DrivenKeys,
): OwnSay => {
  const { ledger, submit, setTimer, log } = deps;
  const carrier = createCarrier(keys.carrier, keys.carrierAccount);
  const owned = successor ? [successor, keys] : [keys];
  const countersigner = createCountersigner(owned.map(({ signer }) => signer));

  const carry = () => {
    const operation = carrier.next(ledger());
    if (operation) submit(operation);
  };
  const planReveal = ({ parameters, epoch }: LedgerState) =>
    setTimer('reveal', parameters.epochSeconds * 1_000 * revealAfterParts, () => {
      const now = ledger();
      const { seat, of } = seatOf(now);
      const shown = now.keepers[seat]?.beacon;
      if (now.epoch !== epoch || !shown || now.reveals[seat]) return;
      const preimage = of.reveal(shown);
      if (!preimage) return log('warn', 'the chain of reveals is used up: this keeper needs a new key', {});
      carrier.want({ kind: 'beacon', body: { keeper: seat, preimage } });
      carry();
    });
  /** Whose seat it is now: the successor's as soon as it has one. */
  const seatOf = ({ keepers }: LedgerState) => {
    const found = owned.flatMap((of) => {
      const seat = keepers.findIndex(({ key }) => equalBytes(key, of.signer.publicKey));
      return seat < 0 ? [] : [{ seat, of }];
    });
    return found[0] ?? { seat: -1, of: keys };
  };

  return {
    begin(state) {
      // The chain is hashed now, before this keeper takes part: later it would hold a round up.
      for (const { signer, reveal } of owned) {
        const ownSeat = state.keepers.find(({ key }) => equalBytes(key, signer.publicKey));
        if (ownSeat) reveal(ownSeat.beacon);
        else if (owned.length > 1) reveal(neverShown);
      }
      planReveal(state);
    },
    onEpoch(state) {
      planReveal(state);
      for (const proposal of countersigner.due(state))
        carrier.want({ kind: 'countersign', body: (at) => countersigner.sign(at, proposal) });
    },
    accuse(body) {
      carrier.want({ kind: 'evidence', body });
      carry();
    },
    refused: carrier.refused,
    carry,
  };
};
