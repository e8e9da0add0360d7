import { type Milliseconds, milliseconds } from '../../core/brand.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { CancelTimer, Timers } from '../../core/ports/timers.ts';

/**
 * Many deadlines on one timer. Most calls are over long before their deadline, and a page's timers live in a worker: to
 * start and to stop one costs two messages there, which took a third of a short call. So the timer stays when a deadline
 * is withdrawn, finds nothing due, and waits for the next. Doesn't know what is due.
 */
export interface Deadlines {
  /** Withdraws it when called. */
  after(delay: Milliseconds, run: () => void): CancelTimer;
  /** Nothing runs any more. */
  close(): void;
}

type Deadline = { readonly at: number; readonly run: () => void };

export const createDeadlines = (deps: { readonly clock: Clock; readonly timers: Timers }): Deadlines => {
  const { clock, timers } = deps;
  const pending = new Set<Deadline>();
  let armed: { readonly at: number; readonly cancel: CancelTimer } | undefined;

  const arm = (at: number) => {
    armed?.cancel();
    const delay = milliseconds(Math.max(0, at - clock.monotonic()));
    armed = { at, cancel: timers.after(delay, () => fire(at)) };
  };
  const fire = (at: number) => {
    armed = undefined;
    // A timer may run a moment early by the other clock: what it was armed for is due all the same.
    const now = Math.max(at, clock.monotonic());
    for (const deadline of [...pending]) {
      if (deadline.at > now || !pending.delete(deadline)) continue;
      deadline.run();
    }
    const next = Math.min(...[...pending].map((deadline) => deadline.at));
    if (pending.size > 0 && isEarlier(next)) arm(next);
  };
  const isEarlier = (at: number): boolean => armed === undefined || at < armed.at;

  return {
    after(delay, run) {
      const deadline = { at: clock.monotonic() + delay, run };
      pending.add(deadline);
      if (isEarlier(deadline.at)) arm(deadline.at);
      return () => void pending.delete(deadline);
    },
    close() {
      pending.clear();
      armed?.cancel();
      armed = undefined;
    },
  };
};
