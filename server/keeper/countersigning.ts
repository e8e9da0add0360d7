import { equalBytes } from '../../src/core/bytes.ts';
import { countersignatureOf } from '../../src/ledger/candidate.ts';
import type { KeeperSigner } from '../../src/ledger/keeper/types.ts';
import { epochsPerDay } from '../../src/ledger/parameters.ts';
import { newcomersOf } from '../../src/ledger/transition/governance/actions/keepers.ts';
import { openProposals } from '../../src/ledger/transition/governance/life.ts';
import type { Countersignature, Proposal } from '../../src/ledger/transition/governance/types.ts';
import type { LedgerState } from '../../src/ledger/types.ts';

/**
 * Says again for each open proposal that makes a keeper of an own key that it is still there: a proposal takes ten days, and is
 * carried out only if its newcomers signed within the last one. Knows the state alone, so a restart forgets nothing.
 */
export const createCountersigner = (signers: readonly KeeperSigner[]) => {
  const sign = (
    state: LedgerState,
    id: string,
  ): (Countersignature & { readonly proposal: string }) | undefined => {
    const proposal = state.governance.open.get(id);
    const signer = proposal && signerOf(state, proposal);
    return signer && { proposal: id, ...countersignatureOf(signer, state.net, id, state.position.stateRoot) };
  };

  const signerOf = (state: LedgerState, { actions, countersigned }: Proposal): KeeperSigner | undefined =>
    signers.find(
      ({ publicKey }) =>
        newcomersOf(actions).some(({ key }) => equalBytes(key, publicKey)) &&
        !countersigned.some(
          ({ key, epoch }) => equalBytes(key, publicKey) && state.epoch - epoch < renewAfter(state),
        ),
    );

  return {
    /** Proposals that want a signature now. */
    due: (state: LedgerState): readonly string[] =>
      openProposals(state)
        .filter((proposal) => signerOf(state, proposal))
        .map(({ id }) => id),
    /** Undefined if it needs none any more. For the present epoch only. */
    sign,
  };
};

/** Half a day in epochs: a first try may fail, and the day is not over. */
const renewAfter = ({ parameters }: LedgerState): number =>
  Math.max(1, Math.floor(epochsPerDay(parameters) / 2));
