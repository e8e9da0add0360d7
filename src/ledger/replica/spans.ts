import { equalBytes } from '../../core/bytes.ts';
import type { Keeper } from '../types.ts';
import type { KeeperSpan } from './store.ts';

/** Keepers change seldom, their beacons all the time: a span begins where keys are others. */
export const withKeepers = (
  spans: readonly KeeperSpan[],
  from: number,
  keepers: readonly Keeper[],
): readonly KeeperSpan[] => {
  const last = spans.at(-1);
  const same =
    last?.keepers.length === keepers.length &&
    keepers.every(({ key }, seat) => equalBytes(key, last.keepers[seat]?.key ?? new Uint8Array()));
  return same ? spans : [...spans, { from, keepers }];
};
