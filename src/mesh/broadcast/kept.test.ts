import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Kept, keptIds, keptOf, nothingKept, withKept, withoutOlder } from './kept.ts';
import type { BroadcastItem } from './plumtreeTypes.ts';

const most = 5;
const keep = (items: readonly (readonly [string, number])[]): Kept<BroadcastItem> =>
  items.reduce<Kept<BroadcastItem>>(
    (kept, [id, at]) => withKept(kept, id, { at, critical: false }, most),
    nothingKept,
  );
const anyItems = fc.uniqueArray(fc.tuple(fc.string({ maxLength: 3 }), fc.nat(6)), {
  selector: ([id]) => id,
  maxLength: 12,
});

describe('what is kept', () => {
  it('has the sum of what it holds, whatever came and went', () => {
    fc.assert(
      fc.property(anyItems, fc.nat(7), (items, than) => {
        const kept = withoutOlder(keep(items), than);
        expect(kept.sum).toBe(
          keep(kept.entries.map(({ id, message }) => [id, message.at] as const).toReversed()).sum,
        );
        expect(kept.entries.every(({ message }) => message.at >= than)).toBe(true);
      }),
    );
  });

  it('is in order, oldest first, and has each once', () => {
    const kept = keep([
      ['b', 2],
      ['a', 1],
      ['c', 2],
      ['a', 1],
      ['d', 0],
    ]);
    expect(keptIds(kept)).toEqual(['d', 'a', 'b', 'c']);
    expect(keptOf(kept, 'b')).toEqual({ at: 2, critical: false });
    expect(keptOf(kept, 'x')).toBeUndefined();
  });

  it('has the sum that version 1 gave it', () => {
    expect(
      keep([
        ['B-yNPDizCHg1J1gnQC6y8g', 1],
        ['x', 2],
      ]).sum,
    ).toBe(3_035_691_234);
  });
});
