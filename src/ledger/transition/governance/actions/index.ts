import * as v from 'valibot';
import { err, fault, ok, type Result } from '../../../../core/result.ts';
import { parseWith } from '../../../../core/schema.ts';
import type { LedgerState } from '../../../types.ts';
import type { Draft, EpochContext, OperationFault } from '../../module.ts';
import type { Action, ActionKind, Proposal } from '../types.ts';
import { keepersRule } from './keepers.ts';
import { listingRule, unlistingRule } from './listing.ts';
import { parameterRule } from './parameter.ts';
import type { ActionRule, Majority } from './rule.ts';
import { treasuryRule } from './treasury.ts';
import { upgradeRule } from './upgrade.ts';

const rules: { readonly [Kind in ActionKind]: ActionRule<Kind> } = {
  parameter: parameterRule,
  upgrade: upgradeRule,
  treasury: treasuryRule,
  keepers: keepersRule,
  listing: listingRule,
  unlisting: unlistingRule,
};

const actionKinds = Object.keys(rules) as readonly ActionKind[];
const kindSchema = v.object({
  kind: v.picklist(actionKinds, 'is of a kind that this version does not know'),
});

/** One of any kind, by the schema of its rule, which sees what was sent and no copy: a copy may lose a member on its way. */
export const actionSchema = v.pipe(
  v.unknown(),
  v.rawTransform(({ dataset, addIssue, NEVER }): Action => {
    const known = parseWith(kindSchema, dataset.value);
    if (!known.ok) {
      addIssue({ message: known.error.message });
      return NEVER;
    }
    const { kind } = known.value;
    const read = parseWith(rules[kind].schema as v.GenericSchema<unknown, Action>, dataset.value);
    if (read.ok) return read.value;
    addIssue({ message: `${kind}: ${read.error.message}` });
    return NEVER;
  }),
);

/** The strictest of all: nothing gets through in the company of something that needs less. */
export const majorityOf = (actions: readonly Action[]): Majority =>
  actions.some(({ kind }) => rules[kind].majority === 'two-thirds') ? 'two-thirds' : 'simple';

/** Each by itself, and that they don't stand in one another's way. */
export const checkActions = (
  state: LedgerState,
  actions: readonly Action[],
): Result<void, OperationFault> => {
  const names = actions.flatMap((action) => (action.kind === 'parameter' ? [action.name] : []));
  if (new Set(names).size < names.length) return refuse('it changes one parameter twice');
  if (actions.filter(({ kind }) => kind === 'keepers').length > 1)
    return refuse('it changes keepers twice: an epoch changes one seat, or one step');
  for (const action of actions) {
    const checked = ruleOf(action.kind).check(state, action);
    if (!checked.ok) return checked;
  }
  return ok(undefined);
};

/** All or nothing: a draft that it refused is to be dropped. */
export const executeActions = (
  draft: Draft,
  proposal: Proposal,
  context: EpochContext,
): Result<void, OperationFault> => {
  for (const action of proposal.actions) {
    const done = ruleOf(action.kind).execute(draft, action, proposal, context);
    if (!done.ok) return done;
  }
  return ok(undefined);
};

/** For an action of the same kind, which the compiler can't see. */
const ruleOf = (kind: ActionKind) => rules[kind] as unknown as ActionRule<ActionKind>;

const refuse = (message: string) => err(fault('operation', message));
