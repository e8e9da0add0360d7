import { describe, expect, it } from 'vitest';
import { arrivedUpTo, isStuck, isUnproven, lookForStall, type StallWatch, startStallWatch } from './stall.ts';

type Seen = { readonly large: number; readonly left: number; readonly unsent?: number };
/** One look a second. */
const lookOften = (seen: readonly Seen[], from: StallWatch = startStallWatch, at = 0): StallWatch =>
  seen.reduce<StallWatch>(
    (watch, one, index) => lookForStall(watch, { now: at + index * 1_000, unsent: 1_000, ...one }),
    from,
  );

describe('a stall', () => {
  it('is three seconds in which nothing left and nothing was answered', () => {
    const watch = lookOften([1, 1, 1, 1].map((large) => ({ large, left: 0 })));
    expect(isStuck(watch, 2_900, 1)).toBe(false);
    expect(isStuck(watch, 3_000, 1)).toBe(true);
  });

  it('takes longer to be believed by a tab that is late itself', () => {
    const watch = lookOften([{ large: 1, left: 0 }]);
    expect(isStuck(watch, 5_000, 2)).toBe(false);
    expect(isStuck(watch, 6_000, 2)).toBe(true);
  });

  it('is none while bytes leave, however slowly', () => {
    const watch = lookOften([0, 900, 1_800, 2_700, 3_600].map((left) => ({ large: 1, left })));
    expect(isStuck(watch, 5_000, 1)).toBe(false);
  });

  it('is none once an answer shows that all has arrived', () => {
    const stuck = lookOften([1, 1, 1].map((large) => ({ large, left: 0 })));
    expect(isUnproven(stuck)).toBe(true);
    const proven = lookForStall(arrivedUpTo(stuck, 1), { now: 3_000, large: 1, left: 0, unsent: 0 });
    expect(isUnproven(proven)).toBe(false);
    expect(isStuck(proven, 60_000, 1)).toBe(false);
  });

  it('is not over because of an answer to what was asked before the frames that are missing', () => {
    const watch = arrivedUpTo(lookOften([1, 2, 2, 2].map((large) => ({ large, left: 0 }))), 0);
    expect(isStuck(watch, 4_000, 1)).toBe(true);
  });

  it('is not over because a ping came into the channel and left it', () => {
    const watch = lookOften([100, 95, 100, 95, 100].map((left) => ({ large: 1, left })));
    expect(isStuck(watch, 4_000, 1)).toBe(true);
  });

  it('is not over because something left that never had to wait', () => {
    const watch = lookOften([0, 90, 180, 270, 360].map((left) => ({ large: 1, left, unsent: 0 })));
    expect(isStuck(watch, 4_000, 1)).toBe(true);
  });

  it('is none where only small frames were sent', () => {
    const watch = lookOften([0, 0, 0, 0, 0].map((large) => ({ large, left: 0 })));
    expect(isStuck(watch, 60_000, 1)).toBe(false);
  });
});
