import { describe, expect, it } from 'vitest';
import { type AlertRule, defaultRules } from '../../../src/observability/index.ts';
import { isPage, judgeFaults, judgeNoise } from './judge.ts';
import { isKept, summarize } from './report.ts';

const seed = Number(process.env['SIM_SEED'] ?? 1);

describe(`alerts of a simulated device (seed ${seed})`, () => {
  it('page nobody in two days of noise', () => {
    expect(judgeNoise(seed, 2).filter(isPage)).toEqual([]);
  });

  it('find faults in time, an outage within a minute, and nothing else', () => {
    const summary = summarize([
      judgeFaults(seed, { names: ['total-outage', 'slow-rpc', 'telemetry-silence'] }),
    ]);
    expect(isKept(summary), JSON.stringify(summary)).toBe(true);
  });
});

/** What is broken on purpose has to be noticed, or it proves nothing when all is well. */
describe('the simulation notices', () => {
  const broken = (change: (rule: AlertRule) => AlertRule) => defaultRules.map(change);
  const burning = (change: (condition: Extract<AlertRule['condition'], { kind: 'burn-rate' }>) => object) =>
    broken((rule) =>
      rule.condition.kind === 'burn-rate'
        ? { ...rule, condition: { ...rule.condition, ...change(rule.condition) } }
        : rule,
    );

  it('burn rates without their short window: they go on long after the fault', () => {
    const rules = burning(({ windows }) => ({
      windows: windows.map((window) => ({ ...window, shortMs: window.longMs })),
    }));
    expect(summarize([judgeFaults(seed, { rules, names: ['total-outage'] })]).late).toBeGreaterThan(0);
  });

  it('burn rates without minimum counts: accidents page', () => {
    const rules = burning(({ windows }) => ({
      minimumEvents: 1,
      minimumFailures: 1,
      windows: windows.map(({ minimumEvents: _, ...window }) => window),
    }));
    expect(judgeNoise(seed, 2, rules).filter(isPage).length).toBeGreaterThan(0);
  });

  it('alerts without hysteresis: they fire at every hiccup', () => {
    const rules = broken((rule) => ({ ...rule, forMs: 0, resolveAfterMs: 0 }));
    expect(judgeNoise(seed, 2, rules).length).toBeGreaterThan(3);
  });
});
