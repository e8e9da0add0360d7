import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AlertsState, alertLimits, evaluate, noAlerts } from './evaluate.ts';
import { burnWindows, defaultRules } from './rules.ts';
import { createSignals } from './testDoubles.ts';
import type { AlertRule, Condition, Silence } from './types.ts';

const minute = 60_000;
const start = 1_790_000_000_000;

const ruleOf = (condition: Condition, change: Partial<AlertRule> = {}): AlertRule => ({
  id: 'rule',
  title: 'Rule',
  severity: 'page',
  group: 'work',
  condition,
  forMs: minute,
  resolveAfterMs: 2 * minute,
  advice: 'Do it.',
  runbook: 'docs/runbook.md#rule',
  enabled: true,
  ...change,
});
const tooHot = ruleOf({ kind: 'threshold', metric: 'heat', of: 'latest', windowMs: minute, above: 10 });

/** Evaluates every fifteen seconds; `measure` says what is recorded before each. */
const createWatch = (rules: readonly AlertRule[], silences: readonly Silence[] = []) => {
  const signals = createSignals();
  let state: AlertsState = noAlerts;
  let now = start;
  const log: string[] = [];
  const look = () => {
    const [next, changes] = evaluate(state, rules, signals.reader, undefined, silences, now);
    state = next;
    for (const { alert, to } of changes) log.push(`${alert.id} ${to ?? 'gone'}`);
  };
  return {
    signals,
    log,
    state: () => state,
    now: () => now,
    jump(by: number) {
      now += by;
    },
    run(duration: number, measure: (now: number) => void) {
      for (const end = now + duration; now < end; now += 15_000) {
        measure(now - 1);
        look();
      }
    },
  };
};
type Watch = ReturnType<typeof createWatch>;
const heat = (watch: Watch, value: number) => (at: number) => watch.signals.put('heat', at, value);

describe('an alert', () => {
  it('is pending first, fires when its condition has held long enough, and resolves when it was away long enough', () => {
    const watch = createWatch([tooHot]);
    watch.run(45_000, heat(watch, 20));
    expect(watch.log).toEqual(['rule|heat pending']);
    watch.run(minute, heat(watch, 20));
    expect(watch.log.at(-1)).toBe('rule|heat firing');
    watch.run(2 * minute, heat(watch, 1));
    expect(watch.log.at(-1)).toBe('rule|heat firing');
    watch.run(minute, heat(watch, 1));
    expect(watch.log.at(-1)).toBe('rule|heat resolved');
  });

  it('comes to nothing if its condition did not hold long enough', () => {
    const watch = createWatch([tooHot]);
    watch.run(30_000, heat(watch, 20));
    watch.run(minute, heat(watch, 1));
    expect(watch.log).toEqual(['rule|heat pending', 'rule|heat gone']);
  });

  it('is one for each series of a rule, and no more than there is room for; the rest is counted', () => {
    const watch = createWatch([tooHot]);
    watch.run(2 * minute, (at) => {
      for (let place = 0; place < 25; place++) watch.signals.put(`heat{place="${place}"}`, at, 20);
    });
    expect(watch.state().tracked.size).toBe(alertLimits.perRule);
    expect(watch.state().untracked).toBe(25 - alertLimits.perRule);
  });

  it('that comes back again and again has to stay away for longer each time', () => {
    const watch = createWatch([{ ...tooHot, forMs: 0 }]);
    const firings = () => watch.log.filter((line) => line.endsWith('firing')).length;
    for (let round = 0; round < 20; round++) {
      watch.run(minute, heat(watch, 20));
      watch.run(3 * minute, heat(watch, 1));
    }
    expect(firings()).toBeLessThanOrEqual(4);
  });

  it('ends when nothing is measured any more, and when its rule is switched off', () => {
    const watch = createWatch([tooHot]);
    watch.run(3 * minute, heat(watch, 20));
    watch.run(alertLimits.staleMs + 3 * minute, () => {});
    expect(watch.log.at(-1)).toBe('rule|heat resolved');
    const [next] = evaluate(
      { ...watch.state(), tracked: firingState(watch) },
      [{ ...tooHot, enabled: false }],
      watch.signals.reader,
      undefined,
      [],
      watch.now(),
    );
    expect([...next.tracked.values()][0]?.view).toMatchObject({
      state: 'resolved',
      message: 'the rule is switched off',
    });
  });

  it('says until when it is silenced', () => {
    const silence = { id: 's', match: { group: 'work' }, from: start, until: start + 3_600_000, reason: '' };
    const watch = createWatch([tooHot], [silence]);
    watch.run(3 * minute, heat(watch, 20));
    expect([...watch.state().tracked.values()][0]?.view.silencedUntil).toBe(silence.until);
  });
});

const firingState = (watch: Watch) => {
  const [known] = watch.state().tracked.values();
  if (!known) throw new Error('nothing tracked');
  return new Map([[known.view.id, { ...known, view: { ...known.view, state: 'firing' as const } }]]);
};

describe('time that is not as it was', () => {
  it('a sleep neither fires what was pending nor misses what was not measured meanwhile', () => {
    const absence = ruleOf(
      { kind: 'absence', metric: 'heat', forMs: 5 * minute },
      { id: 'absent', forMs: 0 },
    );
    const watch = createWatch([{ ...tooHot, forMs: 2 * minute }, absence]);
    watch.run(minute, heat(watch, 20));
    watch.jump(8 * 3_600_000);
    watch.run(minute, heat(watch, 20));
    expect(watch.log).toEqual(['rule|heat pending']);
    watch.run(2 * minute, heat(watch, 20));
    expect(watch.log).toEqual(['rule|heat pending', 'rule|heat firing']);
  });

  it('a clock that is set back fires and resolves nothing, and dates nothing in the future', () => {
    const watch = createWatch([tooHot]);
    watch.run(3 * minute, heat(watch, 20));
    const before = [...watch.log];
    watch.jump(-3_600_000);
    watch.run(minute, heat(watch, 20));
    expect(watch.log).toEqual(before);
    for (const { view } of watch.state().tracked.values())
      expect(Math.max(view.startedAt, view.firedAt ?? 0)).toBeLessThanOrEqual(watch.now());
  });

  it('whatever clocks do, alerts stay bounded and nothing throws', () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: -10_000_000, max: 10_000_000 }), fc.double()), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(steps, (moves) => {
        const watch = createWatch([...defaultRules, tooHot]);
        for (const [by, value] of moves) {
          watch.jump(by);
          watch.run(15_000, heat(watch, value));
        }
        expect(watch.state().tracked.size).toBeLessThanOrEqual(1);
        expect(watch.state().settling.length).toBeLessThanOrEqual(alertLimits.sleepsKept);
      }),
      { numRuns: 100, seed: 7 },
    );
  });
});

describe('a burn rate', () => {
  const objective = ruleOf(
    {
      kind: 'burn-rate',
      good: 'jobs{outcome="done"}',
      total: 'jobs{outcome!="cancelled"}',
      objective: 0.999,
      windows: burnWindows(0.999),
      minimumEvents: 20,
      minimumFailures: 5,
    },
    { forMs: 0 },
  );
  const jobs =
    (watch: Watch, done: number, failed: number, cancelled = 0) =>
    (at: number) => {
      watch.signals.put('jobs{outcome="done"}', at, done);
      watch.signals.put('jobs{outcome="failed"}', at, failed);
      watch.signals.put('jobs{outcome="cancelled"}', at, cancelled);
    };

  it('pages within a minute when everything fails, and says so in numbers', () => {
    const watch = createWatch([objective]);
    watch.run(30 * minute, jobs(watch, 30, 0));
    watch.run(minute, jobs(watch, 0, 30));
    expect(watch.log).toContain('rule|page firing');
    expect(watch.state().tracked.get('rule|page')?.view.message).toMatch(/^\d+ of \d+ failed within 60 s/);
  });

  it('is not moved by a restart of fifteen seconds, by what is cancelled, nor by one failure of a few', () => {
    const watch = createWatch([objective]);
    watch.run(30 * minute, jobs(watch, 30, 0));
    watch.run(15_000, jobs(watch, 0, 30));
    watch.run(10 * minute, jobs(watch, 30, 0, 90));
    expect(watch.log).toEqual([]);
    const quiet = createWatch([objective]);
    quiet.run(minute, jobs(quiet, 0, 0));
    quiet.run(15_000, jobs(quiet, 10, 1));
    quiet.run(5 * minute, jobs(quiet, 0, 0));
    expect(quiet.log).toEqual([]);
  });

  it('does not count what fails in the first minute after a sleep', () => {
    const watch = createWatch([objective]);
    watch.run(30 * minute, jobs(watch, 30, 0));
    watch.jump(8 * 3_600_000);
    watch.run(45_000, jobs(watch, 0, 30));
    watch.run(10 * minute, jobs(watch, 30, 0));
    expect(watch.log).toEqual([]);
  });

  it('ends soon after the outage, which is no reason for a ticket afterwards nor for another page at the next accident', () => {
    const watch = createWatch([objective]);
    for (let hour = 20; hour > 0; hour--) jobs(watch, 7_200, 0)(start - hour * 3_600_000);
    watch.run(20 * minute, jobs(watch, 30, 0));
    watch.run(10 * minute, jobs(watch, 0, 30));
    watch.run(50 * minute, jobs(watch, 30, 0));
    watch.run(15_000, jobs(watch, 0, 30));
    watch.run(50 * minute, jobs(watch, 30, 0));
    expect(watch.log.filter((line) => line.startsWith('rule|page'))).toEqual([
      'rule|page firing',
      'rule|page resolved',
    ]);
    expect(watch.state().tracked.get('rule|ticket')?.view.state).not.toBe('firing');
  });

  describe('after a clock was set back', () => {
    it('looks at what was before that time, too', () => {
      const watch = createWatch([objective]);
      watch.run(90 * minute, jobs(watch, 30, 0));
      watch.jump(-45 * minute);
      watch.run(3 * minute, jobs(watch, 30, 0));
      expect(watch.log).toEqual([]);
      watch.run(8 * minute, jobs(watch, 24, 6));
      expect(watch.log).toContain('rule|page firing');
    });

    it('does not tell an outage again of which a part is left', () => {
      const watch = createWatch([objective]);
      watch.run(20 * minute, jobs(watch, 30, 0));
      watch.run(10 * minute, jobs(watch, 0, 30));
      watch.run(12 * minute, jobs(watch, 30, 0));
      watch.jump(-18 * minute);
      watch.run(20 * minute, jobs(watch, 30, 0));
      watch.run(15_000, jobs(watch, 0, 30));
      watch.run(5 * minute, jobs(watch, 30, 0));
      expect(watch.log.filter((line) => line.startsWith('rule|page'))).toEqual([
        'rule|page firing',
        'rule|page resolved',
      ]);
    });

    it('still does not count what failed in the first minute after a sleep', () => {
      const watch = createWatch([objective]);
      watch.run(30 * minute, jobs(watch, 30, 0));
      watch.jump(3 * minute);
      watch.run(45_000, jobs(watch, 0, 30));
      watch.run(20 * minute, jobs(watch, 30, 0));
      watch.jump(-15 * minute);
      watch.run(4 * minute, jobs(watch, 30, 0));
      watch.run(15_000, jobs(watch, 0, 30));
      watch.run(5 * minute, jobs(watch, 30, 0));
      expect(watch.log).toEqual([]);
    });
  });
});

describe('an anomaly', () => {
  const odd = (method: 'robust-z' | 'ewma' | 'seasonal', windowMs = 6 * 3_600_000) =>
    ruleOf(
      {
        kind: 'anomaly',
        metric: 'heat',
        method,
        windowMs,
        factor: 6,
        direction: 'above',
        minimumSamples: 12,
      },
      { forMs: 0 },
    );
  it.each(['robust-z', 'ewma'] as const)(
    'by %s needs enough to compare with, and finds what is out of line',
    (method) => {
      const watch = createWatch([odd(method)]);
      let wobble = 0;
      const usual = (at: number) => watch.signals.put('heat', at, 10 + (wobble++ % 3));
      watch.run(10 * minute, usual);
      watch.run(5 * minute, heat(watch, 100));
      expect(watch.log).toEqual([]);
      watch.run(90 * minute, usual);
      expect(watch.log).toEqual([]);
      watch.run(5 * minute, heat(watch, 100));
      expect(watch.log).toEqual(['rule|heat firing']);
    },
  );

  it('by season knows what is usual at this time of day, once there were three days', () => {
    const signals = createSignals();
    const hour = 3_600_000;
    const midnight = Math.ceil(start / 86_400_000) * 86_400_000;
    const load = (at: number) => (at % 86_400_000 < 12 * hour ? 100 : 10);
    for (let at = midnight; at < midnight + 75 * hour; at += 5 * minute)
      signals.put('heat', at, load(at) + ((at / minute) % 3));
    const at = midnight + 87 * hour; // fifteen o'clock
    for (let each = midnight + 75 * hour; each < at - 5 * minute; each += 5 * minute)
      signals.put('heat', each, load(each) + ((each / minute) % 3));
    signals.put('heat', at - minute, 100);
    const rules = [odd('seasonal', 4 * 86_400_000)];
    const judged = (value: number) => {
      const own = createSignals();
      for (const each of signals.reader.values('heat', 0, at - 2 * minute))
        own.put('heat', each.at, each.value);
      own.put('heat', at - minute, value);
      return evaluate(noAlerts, rules, own.reader, undefined, [], at)[1].length;
    };
    expect([judged(100), judged(11)]).toEqual([1, 0]);
  });
});

it('an absence is one only of what was there, and only while awake', () => {
  const watch = createWatch([ruleOf({ kind: 'absence', metric: 'heat', forMs: 5 * minute }, { forMs: 0 })]);
  watch.run(10 * minute, () => {});
  expect(watch.log).toEqual([]);
  watch.run(minute, heat(watch, 1));
  watch.run(6 * minute, () => {});
  expect(watch.log).toEqual(['rule firing']);
  watch.run(3 * minute, heat(watch, 1));
  expect(watch.log).toEqual(['rule firing', 'rule resolved']);
});

it('every rule has a section of its own in the runbook, and advice', () => {
  const runbook = readFileSync(new URL('../../../docs/runbook.md', import.meta.url), 'utf8');
  const sections = new Set([...runbook.matchAll(/^## (.+)$/gm)].map(([, title]) => title));
  expect(new Set(defaultRules.map(({ id }) => id)).size).toBe(defaultRules.length);
  for (const { id, runbook: link, advice } of defaultRules) {
    expect(link).toBe(`docs/runbook.md#${id}`);
    expect(sections).toContain(id);
    expect(advice.length).toBeGreaterThan(30);
  }
});
