import { type Bytes, concatBytes, equalBytes, utf8 } from '../../../core/bytes.ts';
import { type CborValue, encodeCbor } from '../../../core/codec.ts';
import { sha256Base64url } from '../../../core/hash.ts';
import { err, fault, ok, type Result } from '../../../core/result.ts';
import { formatAmount } from '../../amounts.ts';
import { epochsPerDay } from '../../parameters.ts';
import type { NetId } from '../../types.ts';
import type { Draft, OperationContext, OperationFault, Transition } from '../module.ts';
import { debit } from '../purse.ts';
import { checkActions } from './actions/index.ts';
import { newcomersOf } from './actions/keepers.ts';
import { governanceLimits } from './limits.ts';
import type { Action, Countersignature, GovernanceBodies, Proposal, Terms } from './types.ts';

/** Named by what it would do and says: to change a word is to propose something else, and votes can't be carried over. */
export const proposalIdOf = ({
  actions,
  description,
}: Pick<GovernanceBodies['propose'], 'actions' | 'description'>): string => hashOf({ actions, description });

export const actionsHashOf = (actions: readonly Action[]): string => hashOf(actions);

/**
 * What a newcomer signs by the key it would be a keeper with: for this proposal, at this certified state of this swarm. That
 * the root is the newest one is for the transition to see, so the signature holds or not wherever it is checked.
 */
export const countersignatureMessage = (net: NetId, proposal: string, stateRoot: Bytes): Bytes =>
  concatBytes(utf8('vc1.keeper'), encodeCbor([net, proposal, stateRoot]));

/** While the host governs it puts nothing down: what it proposes is over with the epoch. */
export const propose: Transition<GovernanceBodies['propose']> = (draft, body, context) => {
  const { governance, parameters, epoch } = draft;
  const id = proposalIdOf(body);
  const allowed = checkPlaces(draft, id, context);
  if (!allowed.ok) return allowed;
  const { description, actions, countersignatures } = body;
  const sound = checkActions(draft, actions);
  if (!sound.ok) return sound;
  const signed = checkCountersignatures(draft, actions, countersignatures);
  if (!signed.ok) return signed;
  const deposit = governance.hostGoverns ? 0 : parameters.proposalDeposit;
  const paid = debit(draft, context.account, deposit);
  if (!paid.ok) return paid;
  const terms = termsOf(draft);
  const proposal: Proposal = {
    id,
    actionsHash: actionsHashOf(actions),
    number: governance.proposed,
    proposer: context.account,
    description,
    actions,
    deposit,
    proposed: epoch,
    terms,
    countersigned: countersignatures.map(({ key }) => ({ key, epoch })),
    stage: { phase: 'draft', until: epoch + terms.draftDays * epochsPerDay(parameters) },
  };
  draft.governance = {
    ...governance,
    proposed: governance.proposed + 1,
    open: governance.open.set(id, proposal),
    deposits: governance.deposits + deposit,
  };
  context.emit({ account: context.account, what: 'proposed', amount: -deposit, about: id });
  return ok(undefined);
};

export const countersign: Transition<GovernanceBodies['countersign']> = (draft, body, { emit }) => {
  const proposal = draft.governance.open.get(body.proposal);
  if (!proposal) return refuse('there is no such open proposal');
  const newcomer = newcomersOf(proposal.actions).find(({ key }) => equalBytes(key, body.key));
  if (!newcomer) return refuse('this proposal makes no keeper of that key');
  const fresh = checkRoot(draft, body);
  if (!fresh.ok) return fresh;
  const others = proposal.countersigned.filter(({ key }) => !equalBytes(key, body.key));
  const countersigned = [...others, { key: body.key, epoch: draft.epoch }];
  draft.governance = {
    ...draft.governance,
    open: draft.governance.open.set(proposal.id, { ...proposal, countersigned }),
  };
  emit({ account: undefined, what: `countersigned: ${newcomer.name}`, amount: 0, about: proposal.id });
  return ok(undefined);
};

const checkPlaces = (
  { governance, host, parameters }: Draft,
  id: string,
  { account }: OperationContext,
): Result<void, OperationFault> => {
  if (governance.hostGoverns && account !== host)
    return refuse(
      `the host governs until ${formatAmount(parameters.hostUntilPower)} VC of power are settled, there are ${formatAmount(governance.power.eligible)} VC`,
    );
  if (governance.open.has(id)) return refuse('the same proposal is open already');
  if (governance.open.size >= governanceLimits.maxOpen)
    return refuse(`${governanceLimits.maxOpen} proposals are open, which is all there is room for: wait`);
  const own = [...governance.open.entries()].filter(([, { proposer }]) => proposer === account).length;
  return own < governanceLimits.maxOpenOfOne
    ? ok(undefined)
    : refuse(`this account has ${own} proposals open, at most ${governanceLimits.maxOpenOfOne} are allowed`);
};

const checkCountersignatures = (
  draft: Draft,
  actions: readonly Action[],
  countersignatures: readonly Countersignature[],
): Result<void, OperationFault> => {
  const newcomers = newcomersOf(actions);
  if (newcomers.length !== countersignatures.length)
    return refuse(`${newcomers.length} new keepers must countersign it, ${countersignatures.length} did`);
  const unsigned = newcomers.find(({ key }) => !countersignatures.some((one) => equalBytes(one.key, key)));
  if (unsigned) return refuse(`${unsigned.name}, a new keeper, did not countersign it`);
  for (const countersignature of countersignatures) {
    const fresh = checkRoot(draft, countersignature);
    if (!fresh.ok) return fresh;
  }
  return ok(undefined);
};

const checkRoot = (
  { position }: Draft,
  { stateRoot }: Pick<Countersignature, 'stateRoot'>,
): Result<void, OperationFault> =>
  equalBytes(stateRoot, position.stateRoot)
    ? ok(undefined)
    : refuse('the countersigned state is not that of the last epoch block: countersign the newest one');

const termsOf = ({ parameters }: Draft): Terms => {
  const { draftDays, votingDays, extensionDays, timelockDays, quorumPermille } = parameters;
  return { draftDays, votingDays, extensionDays, timelockDays, quorumPermille };
};

const hashOf = (value: unknown): string => sha256Base64url(encodeCbor(value as CborValue));
const refuse = (message: string) => err(fault('operation', message));
