import { describe, expect, it } from 'vitest';
import { fixtureTelemetry } from '../../../telemetryDoubles.ts';
import { type Check, healthInWords, incidentInWords, recoveryInWords, sortChecks } from './checkWords.ts';

const check = (id: string, state: Check['state']): Check => ({
  id,
  title: `Part ${id}`,
  component: id,
  state,
  message: '',
  value: undefined,
  since: 0,
  checkedAt: 0,
  because: undefined,
  mendable: true,
  recovery: { phase: 'none' },
});
const report = (...checks: Check[]) => ({ ...fixtureTelemetry('new', 0).health.get(), checks });

describe('health in one sentence', () => {
  it.each([
    [[], 'The first checks are running.'],
    [[check('a', 'ok'), check('b', 'unknown')], 'All is well.'],
    [[check('a', 'unknown')], 'Nothing could be checked yet.'],
    [[check('a', 'ok'), check('b', 'warn')], 'All works; part b could be better.'],
    [[check('a', 'warn'), check('b', 'bad')], 'Part b needs attention.'],
    [[check('a', 'bad'), check('b', 'bad')], '2 things need attention, part a first.'],
  ])('%#: %s', (checks, words) => expect(healthInWords(report(...checks))).toBe(words));

  it('shows what is wrong first and keeps the order otherwise', () => {
    const checks = [
      check('a', 'ok'),
      check('b', 'unknown'),
      check('c', 'bad'),
      check('d', 'warn'),
      check('e', 'bad'),
    ];
    expect(sortChecks(checks).map(({ id }) => id)).toEqual(['c', 'e', 'd', 'b', 'a']);
  });
});

describe('recovery in words', () => {
  const words = (recovery: Check['recovery']) => recoveryInWords(recovery, (ms) => `${ms} ms`, 1_000);
  it('says what runs, what waits and what was given up', () => {
    expect(words({ phase: 'none' })).toBeUndefined();
    expect(words({ phase: 'running', action: 'restart-worker', since: 0 })).toBe(
      'Mending itself: restart worker…',
    );
    expect(words({ phase: 'cooling', action: 'drop-cache', until: 3_000 })).toContain('Waits 2000 ms');
    expect(words({ phase: 'given-up', attempts: 3, until: 2_000 })).toContain('Tried 3 times');
  });
});

describe('an incident in words', () => {
  const incident = { check: 'a', startedAt: 0, endedAt: 5, message: '' };
  it('names what helped, else what was tried', () => {
    const actions = [
      { id: 'reconnect', at: 1, helped: false },
      { id: 'drop-cache', at: 2, helped: true },
    ];
    expect(incidentInWords({ ...incident, actions })).toBe('Helped: drop cache.');
    expect(incidentInWords({ ...incident, actions: actions.slice(0, 1) })).toBe(
      '1 attempt (reconnect); it passed by itself.',
    );
    expect(incidentInWords({ ...incident, actions: [] })).toBe('It passed by itself.');
    expect(incidentInWords({ ...incident, endedAt: undefined, actions: [] })).toBe('Nothing was tried yet.');
  });
});
