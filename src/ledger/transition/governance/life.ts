import { formatAmount } from '../../amounts.ts';
import { epochsPerDay } from '../../parameters.ts';
import type { Draft, EpochContext } from '../module.ts';
import { burnAmount, credit } from '../purse.ts';
import { executeActions } from './actions/index.ts';
import { beginTreasuryDay } from './actions/treasury.ts';
import {
  emptyBallot,
  emptyTally,
  participation,
  quorumOf as powerForQuorum,
  vetoNeeded,
  whyNoMajority,
} from './ballot.ts';
import { governanceLimits } from './limits.ts';
import { countPower, dropSnapshots, takeSnapshot } from './power.ts';
import type { Proposal, Stage } from './types.ts';

/**
 * What the end of an epoch does: moves every open proposal by at most one stage, in the order in which they were proposed.
 *
 *   draft → voting (+ once an extension) → timelock → executed | failed
 *                └ rejected                    └ vetoed
 *
 * While the host governs, only it proposes, and its proposals are carried out by the next epoch block: a class or a club of
 * ten shall not wait ten days. Bounds, steps and windows hold for it as for anybody. It ends for good with the first day at
 * whose end the eligible power is enough, and then the host's key is one among others.
 */
export const endGovernanceEpoch = (draft: Draft, context: EpochContext): void => {
  const dayEnds = (context.epoch + 1) % epochsPerDay(draft.parameters) === 0;
  if (dayEnds) countDay(draft, context);
  const round: Round = { context, keepersChanged: false };
  for (const proposal of openProposals(draft)) {
    const stage = nextStage(draft, proposal, round);
    if (stage) settle(draft, proposal, stage, context);
  }
  if (oldestSnapshot(draft) === undefined) dropSnapshots(draft);
  if (dayEnds) beginTreasuryDay(draft);
};

/** By the order in which they were proposed. */
export const openProposals = ({ governance }: Pick<Draft, 'governance'>): readonly Proposal[] =>
  [...governance.open.entries()].map(([, proposal]) => proposal).sort((a, b) => a.number - b.number);

type Round = { readonly context: EpochContext; keepersChanged: boolean };
type Open<Phase extends Stage['phase']> = Extract<Stage, { phase: Phase }>;

const countDay = (draft: Draft, { epoch, emit }: EpochContext): void => {
  const power = countPower(draft, epoch);
  const hostGoverns = draft.governance.hostGoverns && power.eligible < draft.parameters.hostUntilPower;
  if (hostGoverns !== draft.governance.hostGoverns)
    emit({ account: undefined, what: 'the host governs no more', amount: 0, about: undefined });
  draft.governance = { ...draft.governance, power, hostGoverns };
};

/** Undefined: it stays as it is. */
const nextStage = (draft: Draft, proposal: Proposal, round: Round): Stage | undefined => {
  const { stage } = proposal;
  const { epoch } = round.context;
  switch (stage.phase) {
    case 'draft':
      if (draft.governance.hostGoverns) return execute(draft, proposal, round, 'the host governs');
      return epoch < stage.until ? undefined : openVoting(draft, proposal, epoch);
    case 'voting':
      return count(draft, proposal, stage, epoch);
    case 'timelock':
      if (epoch < stage.until) return undefined;
      if (stage.vetoPower < vetoNeeded(stage.snapshot))
        return execute(draft, proposal, round, 'it passed the vote');
      return {
        ...over(stage),
        phase: 'vetoed',
        at: epoch,
        reason: 'a third of the eligible power vetoed it',
      };
    default:
      throw new RangeError(`proposal ${proposal.id} is ${stage.phase} and still open`);
  }
};

const openVoting = (draft: Draft, { id, terms }: Proposal, epoch: number): Stage => {
  const known = draft.governance.power;
  const taken = known.epoch === epoch && hasSnapshot(draft, epoch);
  const snapshot = taken ? known : takeSnapshot(draft, epoch, oldestSnapshot(draft) ?? epoch);
  draft.governance = {
    ...draft.governance,
    power: snapshot,
    ballots: { ...draft.governance.ballots, [id]: emptyBallot() },
  };
  const until = epoch + terms.votingDays * epochsPerDay(draft.parameters);
  return { phase: 'voting', until, snapshot, tally: emptyTally, quorumSince: null, extended: false };
};

const count = (
  draft: Draft,
  { terms, actions }: Proposal,
  stage: Open<'voting'>,
  epoch: number,
): Stage | undefined => {
  const { snapshot, tally, until, extended } = stage;
  const day = epochsPerDay(draft.parameters);
  const needed = powerForQuorum(snapshot, terms);
  const met = participation(tally) >= needed;
  const quorumSince = met ? (stage.quorumSince ?? epoch) : null;
  if (epoch < until) return quorumSince === stage.quorumSince ? undefined : { ...stage, quorumSince };
  const lateBy = terms.extensionDays * day;
  if (quorumSince !== null && !extended && quorumSince > until - lateBy)
    return { ...stage, quorumSince, until: until + lateBy, extended: true };
  const reason = met
    ? whyNoMajority(tally, actions)
    : `${formatAmount(participation(tally))} VC of power took part, quorum is ${formatAmount(needed)} VC`;
  if (reason) return { ...over(stage), phase: 'rejected', at: epoch, reason };
  const opens = epoch + Math.max(1, terms.timelockDays * day);
  return { phase: 'timelock', until: opens, snapshot, tally, vetoPower: 0 };
};

/** Keepers change once an epoch: a second proposal over them waits for the next. What fails is not tried again. */
const execute = (draft: Draft, proposal: Proposal, round: Round, reason: string): Stage | undefined => {
  const changesKeepers = proposal.actions.some(({ kind }) => kind === 'keepers');
  if (changesKeepers && round.keepersChanged) return undefined;
  const attempt: Draft = { ...draft };
  const events: Parameters<EpochContext['emit']>[0][] = [];
  const done = executeActions(attempt, proposal, {
    ...round.context,
    emit: (event) => void events.push(event),
  });
  const base = { ...over(proposal.stage), at: round.context.epoch };
  if (!done.ok) return { ...base, phase: 'failed', reason: done.error.message };
  Object.assign(draft, attempt);
  for (const event of events) round.context.emit(event);
  if (changesKeepers) round.keepersChanged = true;
  return { ...base, phase: 'executed', reason };
};

/** Writes the new stage down; what is over gives its deposit back, or to nobody: forfeits burn. */
const settle = (draft: Draft, before: Proposal, stage: Stage, { emit }: EpochContext): void => {
  const { id, proposer, deposit } = before;
  const proposal = { ...before, stage };
  const { phase } = stage;
  if (phase !== before.stage.phase)
    emit({ account: undefined, what: `proposal: ${phase}`, amount: 0, about: id });
  if (phase === 'draft' || phase === 'voting' || phase === 'timelock') {
    draft.governance = { ...draft.governance, open: draft.governance.open.set(id, proposal) };
    return;
  }
  close(draft, proposal);
  if (deposit === 0) return;
  if (stage.snapshot && participation(stage.tally) < powerForQuorum(stage.snapshot, proposal.terms)) {
    burnAmount(draft, deposit);
    emit({ account: proposer, what: 'deposit burned', amount: 0, about: id });
    return;
  }
  credit(draft, proposer, deposit);
  emit({ account: proposer, what: 'deposit returned', amount: deposit, about: id });
};

const close = (draft: Draft, proposal: Proposal): void => {
  const { governance } = draft;
  const { id, actionsHash, deposit, stage } = proposal;
  const { [id]: _, ...ballots } = governance.ballots;
  const order = [...governance.closedOrder.filter((known) => known !== id), id];
  const forgotten = order.slice(0, -governanceLimits.maxClosed);
  const closed = forgotten.reduce((table, old) => table.delete(old), governance.closed);
  draft.governance = {
    ...governance,
    ballots,
    open: governance.open.delete(id),
    closed: closed.set(id, proposal),
    closedOrder: order.slice(-governanceLimits.maxClosed),
    deposits: governance.deposits - deposit,
    vetoed: stage.phase === 'vetoed' ? governance.vetoed.set(actionsHash, stage.at) : governance.vetoed,
  };
};

/** What is known of a vote when it is over; nothing where the host decided. */
const over = (stage: Stage) =>
  stage.phase === 'draft'
    ? { snapshot: null, tally: emptyTally, vetoPower: 0 }
    : {
        snapshot: stage.snapshot,
        tally: stage.tally,
        vetoPower: stage.phase === 'voting' ? 0 : stage.vetoPower,
      };

const snapshotsInUse = (draft: Draft): readonly number[] =>
  openProposals(draft).flatMap(({ stage }) =>
    stage.phase === 'voting' || stage.phase === 'timelock' ? [stage.snapshot.epoch] : [],
  );
const oldestSnapshot = (draft: Draft): number | undefined =>
  snapshotsInUse(draft).reduce<number | undefined>(
    (oldest, epoch) => Math.min(oldest ?? epoch, epoch),
    undefined,
  );
const hasSnapshot = (draft: Draft, epoch: number): boolean => snapshotsInUse(draft).includes(epoch);
