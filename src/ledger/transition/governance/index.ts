import * as v from 'valibot';
import { err, fault, ok } from '../../../core/result.ts';
import { accountSchema, exactBytes, idSchema, keySchema, shortText, signatureSchema } from '../../schemas.ts';
import { emptyTable } from '../../table/index.ts';
import type { LedgerModule, Transition } from '../module.ts';
import { accountOf } from '../purse.ts';
import { actionSchema } from './actions/index.ts';
import { castVeto, castVote, emptyBallot } from './ballot.ts';
import { endGovernanceEpoch } from './life.ts';
import { governanceLimits } from './limits.ts';
import { holdingAt } from './power.ts';
import { countersign, countersignatureMessage, proposalIdOf, propose } from './proposals.ts';
import type { GovernanceBodies, GovernanceState } from './types.ts';

const vote: Transition<GovernanceBodies['vote']> = (draft, { proposal: id, choice }, { account, emit }) => {
  const { governance } = draft;
  const proposal = governance.open.get(id);
  if (!proposal) return refuse('there is no such open proposal');
  const { stage } = proposal;
  if (stage.phase !== 'voting') return refuse(`nobody can vote on it: it is in phase ${stage.phase}`);
  const holding = holdingAt(governance, stage.snapshot.epoch, account);
  const cast = castVote(governance.ballots[id] ?? emptyBallot(), stage.tally, account, holding, choice);
  if (!cast.ok) return cast;
  const { ballot, tally } = cast.value;
  draft.governance = {
    ...governance,
    ballots: { ...governance.ballots, [id]: ballot },
    open: governance.open.set(id, { ...proposal, stage: { ...stage, tally } }),
  };
  emit({ account, what: `voted ${choice}`, amount: 0, about: id });
  return ok(undefined);
};

const veto: Transition<GovernanceBodies['veto']> = (draft, { proposal: id }, { account, emit }) => {
  const { governance } = draft;
  const proposal = governance.open.get(id);
  if (!proposal) return refuse('there is no such open proposal');
  const { stage } = proposal;
  if (stage.phase !== 'timelock') return refuse(`nobody can veto it: it is in phase ${stage.phase}`);
  if (governance.vetoed.has(proposal.actionsHash))
    return refuse('its actions were vetoed once, which is as often as anything can be');
  const holding = holdingAt(governance, stage.snapshot.epoch, account);
  const cast = castVeto(governance.ballots[id] ?? emptyBallot(), stage.vetoPower, account, holding);
  if (!cast.ok) return cast;
  const { ballot, vetoPower } = cast.value;
  draft.governance = {
    ...governance,
    ballots: { ...governance.ballots, [id]: ballot },
    open: governance.open.set(id, { ...proposal, stage: { ...stage, vetoPower } }),
  };
  emit({ account, what: 'vetoed', amount: 0, about: id });
  return ok(undefined);
};

const delegate: Transition<GovernanceBodies['delegate']> = (draft, { to }, { account, emit }) => {
  const { delegates } = draft.governance;
  if (to === account) return refuse('one votes for oneself without delegating: send null');
  if (to === (delegates.get(account) ?? null)) return refuse('it is so already');
  if (to && !accountOf(draft, to).key) return refuse('the delegate never opened its account here');
  draft.governance = {
    ...draft.governance,
    delegates: to ? delegates.set(account, to) : delegates.delete(account),
  };
  emit({ account, what: to ? 'delegated' : 'delegates no more', amount: 0, about: to ?? undefined });
  return ok(undefined);
};

const idText = idSchema<string>();
const countersignatureFields = { key: keySchema, stateRoot: exactBytes(32), signature: signatureSchema };

/** Proposals, votes and the treasury. See `life.ts` for what becomes of a proposal, `power.ts` for who weighs how much. */
export const governance: LedgerModule<GovernanceBodies, GovernanceState> = {
  bodies: {
    propose: v.strictObject({
      description: v.pipe(shortText(governanceLimits.maxDescription), v.minLength(1)),
      actions: v.pipe(v.array(actionSchema), v.minLength(1), v.maxLength(governanceLimits.maxActions)),
      countersignatures: v.pipe(v.array(v.strictObject(countersignatureFields)), v.maxLength(3)),
    }),
    countersign: v.strictObject({ proposal: idText, ...countersignatureFields }),
    vote: v.strictObject({ proposal: idText, choice: v.picklist(['for', 'against', 'abstain']) }),
    veto: v.strictObject({ proposal: idText }),
    delegate: v.strictObject({ to: v.nullable(accountSchema) }),
  },

  transitions: { propose, countersign, vote, veto, delegate },

  signatures: {
    propose(body, { net }) {
      const id = proposalIdOf(body);
      return body.countersignatures.map(({ key, stateRoot, signature }) => ({
        key,
        message: countersignatureMessage(net, id, stateRoot),
        signature,
      }));
    },
    countersign: ({ proposal, key, stateRoot, signature }, { net }) => [
      { key, message: countersignatureMessage(net, proposal, stateRoot), signature },
    ],
  },

  initial: ({ treasury, parameters }) => ({
    hostGoverns: parameters.hostUntilPower > 0,
    power: { epoch: 0, eligible: 0, active: 0 },
    proposed: 0,
    open: emptyTable(),
    ballots: {},
    holdings: emptyTable(),
    delegates: emptyTable(),
    closed: emptyTable(),
    closedOrder: [],
    vetoed: emptyTable(),
    deposits: 0,
    nextChange: {},
    upgrades: [],
    treasuryDays: [{ opening: treasury, granted: 0 }],
  }),

  endEpoch: endGovernanceEpoch,
  held: ({ deposits }) => deposits,
  countHeld: ({ open }) => [...open.entries()].reduce((sum, [, { deposit }]) => sum + deposit, 0),
};

const refuse = (message: string) => err(fault('operation', message));
