import { describe, expect, it } from 'vitest';
import { runHistory } from './history.ts';
import { explain } from './report.ts';
import { sevenDays } from './sevenDays.ts';

const histories = 300;

describe('governance beside its model', () => {
  it(`is the same over ${histories} seeded histories, which reach every end`, () => {
    const reached = new Set<string>();
    for (let seed = 1; seed <= histories; seed++) {
      const report = runHistory(seed);
      expect(report.violations, explain(report)).toEqual([]);
      for (const mark of Object.keys(report.reached)) reached.add(mark);
    }
    expect([...reached]).toEqual(
      expect.arrayContaining(['executed', 'rejected', 'failed', 'vetoed', 'extended', 'vetoes', 'votes']),
    );
  });

  it('takes a vote through seven days of 144 epochs, block by block', () => {
    expect(sevenDays(() => 0)).toEqual({ milliseconds: 0, phase: 'timelock' });
  });
});
