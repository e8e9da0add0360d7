import { describe, expect, it } from 'vitest';
import { createFuzzTargets } from './decoders.ts';
import { fuzz } from './fuzz.ts';

/** `npm run fuzz` takes a million each. */
const inputs = 10_000;
const seed = 1;
const targets = await createFuzzTargets();

describe.each(targets)('whatever a stranger sends as $name', (target) => {
  it('what is valid is accepted', async () => {
    for (const bytes of target.valid) expect(await target.decode(bytes)).toBe(true);
  });

  it(`is a value or a fault: ${inputs} damaged messages from seed ${seed}`, { timeout: 60_000 }, async () => {
    const report = await fuzz(target, seed, inputs);
    expect(report.thrown).toEqual([]);
    expect(report.accepted).toBeLessThan(inputs / 2); // else nothing was damaged
  });
});
