import * as v from 'valibot';
import type { AccountId } from '../../core/brand.ts';
import type { Bytes } from '../../core/bytes.ts';
import { parseWith } from '../../core/schema.ts';
import { exactBytes } from '../../ledger/schemas.ts';
import type { NetId } from '../../ledger/types.ts';
import type { KeyValueStore } from '../../storage/port.ts';

/** What was found for a unit, and the salt its commitment has or will have. */
export type KeptWork = { readonly output: Bytes; readonly salt: Bytes; readonly epoch: number };

/**
 * Outputs with their salts, by unit. A commitment without its salt can't be revealed, which ends a streak: so an output is on
 * disk before anything is said of it, and stays until its unit can't come up again. Doesn't know what is due.
 */
export interface WorkMemory {
  readonly kept: ReadonlyMap<string, KeptWork>;
  keep(unit: string, work: KeptWork): Promise<void>;
  /** Takes out what was kept before this epoch and is not of these units. */
  forget(before: number, except: ReadonlySet<string>): Promise<void>;
}

const keptSchema = v.object({
  output: exactBytes(32),
  salt: exactBytes(32),
  epoch: v.pipe(v.number(), v.integer(), v.minValue(0)),
});

/** Read anew by whichever tab works: another one may have kept something meanwhile. */
export const openWorkMemory = async (
  store: KeyValueStore,
  { net, account }: { readonly net: NetId; readonly account: AccountId },
): Promise<WorkMemory> => {
  const prefix = `kept/${net}/${account}/`;
  const kept = new Map<string, KeptWork>();
  for (const [key, record] of await store.entries('publicWork', prefix)) {
    const read = parseWith(keptSchema, record);
    if (read.ok) kept.set(key.slice(prefix.length), read.value);
  }
  return {
    kept,
    async keep(unit, work) {
      await store.set('publicWork', prefix + unit, work, 'strict');
      kept.set(unit, work);
    },
    async forget(before, except) {
      for (const [unit, { epoch }] of [...kept]) {
        if (epoch >= before || except.has(unit)) continue;
        kept.delete(unit);
        await store.delete('publicWork', prefix + unit);
      }
    },
  };
};

const wantedKey = 'wanted';

/** The person's switch, for all tabs of this device: off until it was put on. */
export const readWanted = async (store: KeyValueStore): Promise<boolean> =>
  (await store.get('publicWork', wantedKey)) === true;

export const keepWanted = (store: KeyValueStore, wanted: boolean): Promise<void> =>
  store.set('publicWork', wantedKey, wanted, 'strict');
