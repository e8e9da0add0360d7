import { milliseconds } from '../../core/brand.ts';
import { follow, type Store } from '../../core/events.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import type { Timers } from '../../core/ports/timers.ts';
import type { Intent, IntentId } from '../../ledger/wallet/intents.ts';

/** Later than this, whatever the reason is, is no service. It is counted once, as `late`; what comes of it then is not. */
const lateAfterMs = 60_000;

/**
 * How long it takes from signing an act to its being final, as this tab sees it. What the ledger's rules refuse is the caller's
 * own matter (`aborted`). Acts that were pending when the tab opened are not measured: nobody knows for how long.
 */
export const measureSubmits = (
  deps: { readonly clock: Pick<Clock, 'monotonic'>; readonly timers: Timers; readonly telemetry: Telemetry },
  intents: Store<readonly Intent[]>,
): (() => void) => {
  const { clock, telemetry } = deps;
  const known = new Set<IntentId>(intents.get().map(({ id }) => id));
  const pending = new Map<IntentId, number>();
  const observe = (id: IntentId, since: number, outcome: string) => {
    pending.delete(id);
    telemetry.observe('ledger_submit_seconds', (clock.monotonic() - since) / 1_000, { outcome });
  };
  const stopFollowing = follow(intents, (listed) => {
    for (const { id, outcome } of listed) {
      if (!known.has(id)) {
        known.add(id);
        pending.set(id, clock.monotonic());
      }
      const since = pending.get(id);
      if (since === undefined || outcome.phase === 'pending') continue;
      observe(id, since, outcome.phase === 'final' ? 'ok' : 'aborted');
    }
  });
  const stopWatching = deps.timers.every(milliseconds(5_000), () => {
    for (const [id, since] of [...pending])
      if (clock.monotonic() - since > lateAfterMs) observe(id, since, 'late');
  });
  return () => {
    stopFollowing();
    stopWatching();
  };
};
