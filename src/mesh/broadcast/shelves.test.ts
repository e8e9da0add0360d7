import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyShelves, onShelves, type Shelves, withoutShelved, withShelved } from './shelves.ts';

const key = fc.string({ maxLength: 2, unit: fc.constantFrom('a', 'b', 'c', 'd') });
const changes = fc.array(fc.tuple(key, fc.option(fc.nat(9))), { maxLength: 60 });

describe('shelves', () => {
  it('hold what a map holds after the same changes, and leave every earlier one as it was', () => {
    fc.assert(
      fc.property(changes, (list) => {
        const map = new Map<string, number>();
        let shelves: Shelves<number> = emptyShelves;
        for (const [name, value] of list) {
          const before = structuredClone(shelves);
          const given = shelves;
          if (value === null) {
            map.delete(name);
            shelves = withoutShelved(shelves, name);
          } else {
            map.set(name, value);
            shelves = withShelved(shelves, name, value);
          }
          expect(given).toEqual(before);
        }
        expect(shelves.size).toBe(map.size);
        for (const [name] of list) expect(onShelves(shelves, name)).toBe(map.get(name));
      }),
    );
  });

  it('stay small: a thousand ids are spread over all of them', () => {
    let shelves: Shelves<true> = emptyShelves;
    for (let i = 0; i < 1_024; i++) shelves = withShelved(shelves, `message ${i} of somebody`, true);
    expect(Math.max(...shelves.shelves.map(({ size }) => size))).toBeLessThan(80);
  });
});
