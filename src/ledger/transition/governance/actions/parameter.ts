import * as v from 'valibot';
import { err, fault, ok, type Result } from '../../../../core/result.ts';
import { countSchema } from '../../../../core/schema.ts';
import {
  epochsPerDay,
  type ParameterName,
  type Parameters,
  parameterNames,
  parameterTable,
} from '../../../parameters.ts';
import type { LedgerState } from '../../../types.ts';
import type { OperationFault } from '../../module.ts';
import { governanceLimits } from '../limits.ts';
import type { Action } from '../types.ts';
import type { ActionRule } from './rule.ts';

/** Within the table's bounds, at most a doubling or a halving, once in 30 days. */
export const parameterRule: ActionRule<'parameter'> = {
  schema: v.strictObject({
    kind: v.literal('parameter'),
    name: v.picklist(parameterNames),
    value: countSchema(Number.MAX_SAFE_INTEGER),
  }),
  majority: 'simple',
  check: checkStep,
  execute(draft, action, _, { epoch }) {
    const { name, value } = action;
    const allowed = checkStep(draft, action);
    if (!allowed.ok) return allowed;
    const next = draft.governance.nextChange[name] ?? 0;
    if (epoch < next)
      return refuse(`${name} was changed less than 30 days ago, it may be again in epoch ${next}`);
    draft.parameters = { ...draft.parameters, [name]: value };
    const waits = governanceLimits.windowDays * epochsPerDay(draft.parameters);
    draft.governance = {
      ...draft.governance,
      nextChange: { ...draft.governance.nextChange, [name]: epoch + waits },
    };
    return ok(undefined);
  },
};

/**
 * What one change may set a parameter to. Halving rounds down, so 1 may become 0. Nothing doubles from 0: from there it may
 * go up to what the table begins with, or to 1. So a switch (0 or 1) may be turned either way.
 */
export const stepBounds = (parameters: Parameters, name: ParameterName): { least: number; most: number } => {
  const { initial, least, most } = parameterTable[name];
  const present = parameters[name];
  if (fixedParameters[name]) return { least: present, most: present };
  const highest = present === 0 ? Math.max(1, initial) : 2 * present;
  return {
    least: Math.max(least, Math.floor(present / 2)),
    most: name === 'hostUntilPower' ? present : Math.min(most, highest),
  };
};

/**
 * Parameters that are in the table and yet of genesis. Everything that lasts counts epochs: votes, locks, windows, and the
 * days over which a balance settles. Another length would change them all while they run: doubled, it lets a flash vote by.
 */
const fixedParameters: { readonly [Name in ParameterName]?: string } = {
  epochSeconds: 'every duration counts epochs, so their length is fixed at genesis',
};

function checkStep(state: LedgerState, { name, value }: Action<'parameter'>): Result<void, OperationFault> {
  const fixed = fixedParameters[name];
  if (fixed) return refuse(`${name} can't be changed: ${fixed}`);
  const present = state.parameters[name];
  if (value === present) return refuse(`${name} is ${value} already`);
  const { least, most } = stepBounds(state.parameters, name);
  if (value >= least && value <= most) return ok(undefined);
  if (name === 'hostUntilPower' && value > present)
    return refuse('hostUntilPower can only fall: whoever governs by it could put off its end for ever');
  return refuse(`${name} can't become ${value}: from ${present} a change may lead to ${least} to ${most}`);
}

const refuse = (message: string) => err(fault('operation', message));
