import * as v from 'valibot';
import { equalBytes } from '../../../../core/bytes.ts';
import { err, fault, ok, type Result } from '../../../../core/result.ts';
import { epochsPerDay } from '../../../parameters.ts';
import { keeperSchema, keySchema, maxKeepers } from '../../../schemas.ts';
import type { Keeper } from '../../../types.ts';
import type { OperationFault } from '../../module.ts';
import type { Action, Proposal } from '../types.ts';
import { type ActionRule, asVoid } from './rule.ts';

/**
 * One seat, or one step of N = 3f + 1. Who leaves is named by key, so that a vote on a seat can't fall on whoever sits there
 * ten days later. `life.ts` sees to it that an epoch carries out one such action.
 */
export const keepersRule: ActionRule<'keepers'> = {
  schema: v.strictObject({
    kind: v.literal('keepers'),
    remove: v.pipe(v.array(keySchema), v.maxLength(3)),
    add: v.pipe(v.array(keeperSchema), v.maxLength(3)),
  }),
  majority: 'two-thirds',
  check: (state, action) => asVoid(keepersAfter(state.nextKeepers, action)),
  execute(draft, action, proposal, { epoch }) {
    const keepers = keepersAfter(draft.nextKeepers, action);
    if (!keepers.ok) return keepers;
    const since = epoch - epochsPerDay(draft.parameters);
    const stale = action.add.find(({ key }) => !countersignedAfter(proposal, key, since));
    if (stale) return refuse(`${stale.name} did not countersign within a day: it may not be there any more`);
    draft.nextKeepers = keepers.value;
    return ok(undefined);
  },
};

export const newcomersOf = (actions: readonly Action[]): readonly Keeper[] =>
  actions.flatMap((action) => (action.kind === 'keepers' ? action.add : []));

export const keepersAfter = (
  keepers: readonly Keeper[],
  { remove, add }: Action<'keepers'>,
): Result<readonly Keeper[], OperationFault> => {
  const step = `${remove.length}-${add.length}`;
  if (!['1-1', '0-3', '3-0'].includes(step))
    return refuse(
      `it removes ${remove.length} and adds ${add.length}: a seat is one for one, a step is three more or three less`,
    );
  const gone = remove.map((key) => keepers.findIndex((keeper) => equalBytes(keeper.key, key)));
  if (gone.includes(-1)) return refuse('whom it removes is no keeper');
  if (new Set(gone).size < gone.length) return refuse('it removes one keeper twice');
  const [seat] = gone;
  const [successor] = add;
  const after =
    step === '1-1' && successor
      ? keepers.map((keeper, index) => (index === seat ? successor : keeper))
      : [...keepers.filter((_, index) => !gone.includes(index)), ...add];
  if (after.length < 1 || after.length > maxKeepers)
    return refuse(`it leaves ${after.length} keepers: there are 1 to ${maxKeepers}`);
  const all = [...keepers, ...add];
  for (const same of [({ key }: Keeper) => key, ({ beacon }: Keeper) => beacon]) {
    if (new Set(all.map((keeper) => same(keeper).join())).size < all.length)
      return refuse('a newcomer has the key or the beacon of another keeper: each needs its own');
  }
  return ok(after);
};

const countersignedAfter = ({ countersigned }: Proposal, key: Uint8Array, epoch: number): boolean =>
  countersigned.some((one) => equalBytes(one.key, key) && one.epoch > epoch);

const refuse = (message: string) => err(fault('operation', message));
