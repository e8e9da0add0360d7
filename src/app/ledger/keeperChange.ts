import { equalBytes, fromBase64url } from '../../core/bytes.ts';
import type { CryptoPort } from '../../core/ports/crypto.ts';
import { err, ok, type Result } from '../../core/result.ts';
import {
  type Candidate,
  checkCandidate,
  mergeCandidates,
  parseCandidates,
  proposalOfCandidate,
} from '../../ledger/candidate.ts';
import { faultsOf, quorumOf } from '../../ledger/certificate.ts';
import { epochsPerDay } from '../../ledger/parameters.ts';
import { newcomersOf } from '../../ledger/transition/governance/actions/keepers.ts';
import { governance as rules } from '../../ledger/transition/governance/index.ts';
import { openProposals } from '../../ledger/transition/governance/life.ts';
import type { Proposal } from '../../ledger/transition/governance/types.ts';
import type { LedgerState } from '../../ledger/types.ts';
import type { EpochView, KeeperChangeAction, KeeperChangeDue, KeeperChangeView } from '../ledgerView.ts';
import { actionInWords } from './words.ts';

/** A change of keepers as it can be proposed now. `candidate.description` is empty where nobody has signed one. */
export type ReadKeeperChange = { readonly candidate: Candidate; readonly view: KeeperChangeView };

/** Refuses what the ledger would refuse, and what its signatures don't hold for. */
export const readKeeperChange = async (
  state: LedgerState,
  action: KeeperChangeAction,
  crypto: Pick<CryptoPort, 'verify'>,
): Promise<Result<ReadKeeperChange, string>> => {
  const candidate = candidateOf(state, action);
  if (!candidate.ok) return candidate;
  const { description, remove, add } = candidate.value;
  const after = checkCandidate(state, candidate.value);
  if (!after.ok) return err(after.error.message);
  const signed = rules.signatures.propose?.(proposalOfCandidate(candidate.value), state) ?? [];
  for (const { key, message, signature } of signed)
    if (!(await crypto.verify(key, message, signature)))
      return err('a signature in it does not hold: something in the text was changed after it was signed');
  const keepers = after.value.map(({ name }) => name);
  return ok({
    candidate: candidate.value,
    view: {
      description: description === '' ? undefined : description,
      words: actionInWords(state, { kind: 'keepers', remove, add }, () => undefined),
      keepers,
      quorum: quorumOf(keepers.length),
      faults: faultsOf(keepers.length),
    },
  });
};

/** Changes that nothing but time and a veto stand before. Where the host governs that is every open one. */
export const keeperChangesOf = (
  state: LedgerState,
  { endsAt, seconds }: EpochView,
): readonly KeeperChangeDue[] =>
  openProposals(state).flatMap((proposal) => {
    const { id, actions, stage } = proposal;
    const action = actions.find(({ kind }) => kind === 'keepers');
    if (!action || (stage.phase !== 'timelock' && !state.governance.hostGoverns)) return [];
    const due = stage.phase === 'timelock' ? Math.max(state.epoch, stage.until) : state.epoch;
    return {
      proposal: id,
      words: actionInWords(state, action, () => undefined),
      at: endsAt + (due - state.epoch) * seconds * 1_000,
      unsigned: unsignedOf(state, proposal),
    };
  });

const unsignedOf = (state: LedgerState, { actions, countersigned }: Proposal): readonly string[] => {
  const since = state.epoch - epochsPerDay(state.parameters);
  return newcomersOf(actions)
    .filter(({ key }) => !countersigned.some((one) => equalBytes(one.key, key) && one.epoch > since))
    .map(({ name }) => name);
};

const candidateOf = (
  { net }: LedgerState,
  { remove, candidates }: KeeperChangeAction,
): Result<Candidate, string> => {
  if (candidates.trim() !== '') {
    const read = parseCandidates(candidates);
    const merged = read.ok ? mergeCandidates(read.value) : read;
    return merged.ok ? merged : err(merged.error.message);
  }
  const keys = remove.map((key) => fromBase64url(key)).filter((key) => key !== undefined);
  return ok({ net, description: '', remove: keys, add: [], countersignatures: [] });
};
