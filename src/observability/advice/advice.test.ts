import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Milliseconds } from '../../core/brand.ts';
import type { LogEntry } from '../logs/types.ts';
import { normal, seededRandom } from '../metrics/testDoubles.ts';
import { adviseFrom, createAdvisor } from './advise.ts';
import type { Objective } from './levels.ts';
import { errorPatterns } from './patterns.ts';
import { createRecording, entry, type Recording } from './testDoubles.ts';

const now = 1_800_000_000_000;
const hour = 3_600_000;
const times = (n: number, value: number) => Array<number>(n).fill(value);
const advise = (reader: Recording, objectives?: readonly Objective[]) =>
  adviseFrom({ reader, logs: [], health: undefined, now, ...(objectives && { objectives }) });
const measured = () => createRecording(now);

describe('service levels', () => {
  const levelOf = (recording: Recording, id: string) =>
    advise(recording).levels.find((level) => level.id === id);

  it('are counted, with what is left of the budget', () => {
    const jobs = measured()
      .count('inference_jobs_total', 995, { outcome: 'done' })
      .count('inference_jobs_total', 5, { outcome: 'failed' })
      .count('inference_jobs_total', 400, { outcome: 'cancelled' })
      .count('inference_jobs_total', 1_000, { outcome: 'failed' }, now - 25 * hour)
      .observe('inference_job_seconds', [...times(98, 10), 60, 60]);
    expect(levelOf(jobs, 'jobs')).toMatchObject({
      good: 995,
      total: 1_000,
      availability: 0.995,
      budgetLeft: expect.closeTo(0.5, 9),
      latency: { p50: expect.closeTo(10, 0), p99: expect.closeTo(60, 0) },
    });
  });

  it('are overspent below zero', () => {
    const calls = measured()
      .observe('rpc_seconds', times(90, 0.1), { method: 'a', outcome: 'ok' })
      .observe('rpc_seconds', times(10, 30), { method: 'b', outcome: 'timeout' });
    const rpc = levelOf(calls, 'rpc');
    expect(rpc).toMatchObject({ availability: 0.9, budgetLeft: expect.closeTo(-9, 9) });
    expect(rpc?.latency?.p99).toBeCloseTo(0.1, 2);
  });

  it('are unknown without events', () => {
    for (const level of advise(measured()).levels)
      expect(level).toMatchObject({
        good: 0,
        total: 0,
        availability: undefined,
        budgetLeft: undefined,
        latency: undefined,
      });
    const declined = measured().count('inference_tasks_total', 9, { kind: 'line', outcome: 'declined' });
    expect(levelOf(declined, 'tasks')).toMatchObject({ total: 0, availability: undefined });
  });
});

describe('saturation', () => {
  const everyFiveMinutes = (hours: number, value: (i: number, random: () => number) => number) => {
    const random = seededRandom(51);
    const n = hours * 12;
    return Array.from({ length: n }, (_, i) => ({ at: now - (n - i) * 300_000, value: value(i, random) }));
  };
  const storage = (hours: number, value: (i: number, random: () => number) => number) =>
    advise(measured().gauge('storage_used_ratio', everyFiveMinutes(hours, value))).saturation.find(
      ({ id }) => id === 'storage',
    );

  it('is forecast from what grows, with an interval', () => {
    const room = storage(24, (i, random) => 0.5 + (0.01 * i) / 12 + 0.005 * normal(random))!;
    const { likely, earliest, latest } = room.reachedAt!;
    const inHours = (at: number) => (at - now) / hour;
    expect(inHours(likely)).toBeGreaterThan(15);
    expect(inHours(likely)).toBeLessThan(17);
    expect(earliest).toBeLessThanOrEqual(likely);
    expect(latest).toBeGreaterThanOrEqual(likely);
    expect(room.evidence).toMatch(
      /^Growing by (0\.9|1\.0) % of the whole an hour \(p < 0\.001, 4[89] half-hour medians over/,
    );
  });

  it('is no matter of noise, of a sawtooth, of what falls, or of a short look', () => {
    expect(storage(24, (_i, random) => 0.5 + 0.05 * normal(random))?.reachedAt).toBeUndefined();
    expect(storage(24, (i) => 0.5 + 0.001 * (i % 24))?.reachedAt).toBeUndefined();
    expect(storage(24, (i) => 0.8 - 0.001 * i)?.reachedAt).toBeUndefined();
    expect(storage(2, (i) => 0.5 + 0.01 * i)).toMatchObject({
      reachedAt: undefined,
      evidence: expect.stringContaining('too short to say'),
    });
  });

  it('is not told of years to come from one day', () => {
    expect(storage(24, (i) => 0.1 + 1e-6 * i)).toMatchObject({
      reachedAt: undefined,
      evidence: expect.stringContaining('too slow to be forecast'),
    });
  });

  it('is now for what is full', () => {
    expect(storage(1, () => 0.93)?.reachedAt?.likely).toBe(now);
  });

  it('of telemetry needs to know the room there is', () => {
    const growing = measured().gauge(
      'telemetry_bytes',
      everyFiveMinutes(24, (i) => 1e6 * (i + 1)),
    );
    expect(advise(growing).saturation).toEqual([]);
    growing.gauge('storage_quota_bytes', [{ at: now - 1, value: 1e9 }]);
    const [telemetry] = advise(growing).saturation;
    expect(telemetry).toMatchObject({ id: 'telemetry', unit: 'bytes', now: 288e6, limit: 1e9 });
    expect((telemetry!.reachedAt!.likely - now) / hour).toBeCloseTo((1_000 - 288) / 12, 0);
  });
});

describe('patterns of errors', () => {
  const at = (minutesAgo: number) => now - minutesAgo * 60_000;
  const patterns = (entries: readonly LogEntry[]) => errorPatterns(entries, now);
  const repeated = (n: number, message: (i: number) => string, change: Partial<LogEntry> = {}) =>
    Array.from({ length: n }, (_, i) => entry(i, { at: at(n - i), message: message(i), ...change }));

  it('are messages with other numbers, ids and names in them', () => {
    const id = (i: number) => `q7Xb2KfZ9w${'AbCdEf'[i % 6]}3vN0pLs8${i}`;
    const found = patterns([
      ...repeated(5, (i) => `no answer from ${id(i)} within ${i + 1}.5 s`),
      ...repeated(
        4,
        (i) => `model “page ${i}.onnx” is damaged: hash ${(0x1eadbeef + i).toString(16)} expected`,
      ),
      ...repeated(3, (i) => `GET https://host.example/a/${i}?b failed: ${500 + i}`, { level: 'warn' }),
    ]);
    expect(found.map(({ pattern, count }) => [pattern, count])).toEqual([
      ['no answer from <id> within <number> s', 5],
      ['model <text> is damaged: hash <id> expected', 4],
      ['GET <url> failed: <number>', 3],
    ]);
    expect(found[0]).toMatchObject({
      component: 'mesh',
      firstAt: at(5),
      lastAt: at(1),
      example: `no answer from ${id(4)} within 5.5 s`,
    });
  });

  it('find out which word differs', () => {
    const names = ['ana', 'ben', 'cem', 'dora'];
    const [pattern] = patterns(repeated(4, (i) => `the link to ${names[i]} went down again`));
    expect(pattern).toMatchObject({ pattern: 'the link to <*> went down again', count: 4 });
  });

  it('keep apart components, lengths, and what is not alike', () => {
    const found = patterns([
      ...repeated(3, () => 'the disk is full'),
      ...repeated(3, () => 'the disk is full', { component: 'ledger' }),
      ...repeated(3, () => 'nobody answers any more'),
      ...repeated(3, () => 'the disk is full again'),
    ]);
    expect(found).toHaveLength(4);
  });

  it('are told from three on, of warnings and errors of the past only', () => {
    expect(patterns(repeated(2, () => 'rare'))).toEqual([]);
    expect(patterns(repeated(9, () => 'chatter', { level: 'info' }))).toEqual([]);
    expect(patterns(repeated(9, () => 'clock', { at: now + 1 }))).toEqual([]);
    expect(patterns(repeated(9, () => 'clock', { at: Number.NaN }))).toEqual([]);
  });

  it('say how much more often than in the hour before', () => {
    const often = [...Array.from({ length: 3 }, () => at(90)), ...Array.from({ length: 12 }, () => at(10))];
    expect(patterns(often.map((when, i) => entry(i, { at: when })))[0]?.change).toBe(4);
    expect(patterns(repeated(9, () => 'new'))[0]?.change).toBeUndefined();
    expect(patterns(Array.from({ length: 4 }, (_, i) => entry(i, { at: at(100) })))[0]?.change).toBe(0);
  });

  it('are bounded, whatever is logged', () => {
    const long = 'x'.repeat(2_000);
    const flood = Array.from({ length: 2_000 }, (_, i) =>
      entry(i, {
        at: at(1),
        component: `${long}${i % 300}`,
        message: `${'word '.repeat(i % 60)}${long} ${i}`,
      }),
    );
    const found = patterns(flood);
    expect(found.length).toBeLessThanOrEqual(20);
    for (const { pattern, example, component } of found) {
      expect(pattern.length).toBeLessThan(700);
      expect(example.length).toBeLessThanOrEqual(300);
      expect(component.length).toBeLessThanOrEqual(60);
    }
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 400 }), { maxLength: 20 }), (messages) => {
        patterns(messages.flatMap((message) => repeated(3, () => message)));
      }),
      { seed: 52, numRuns: 100 },
    );
  });
});

describe('an advisor', () => {
  const clock = { now: () => now as Milliseconds, monotonic: () => 0 as Milliseconds };

  it('keeps the newest advice, and asks the log for warnings of the last day', async () => {
    const asked: unknown[] = [];
    const advisor = createAdvisor({
      reader: measured().count('gpu_lost_total', 5),
      health: () => undefined,
      clock,
      searchLog: async (query) => {
        asked.push(query);
        return [3, 1, 2].map((i) => entry(i, { at: now - 1_000 + i, message: `failed ${i}` }));
      },
    });
    expect(advisor.advice.get()).toBeUndefined();
    await Promise.all([advisor.refresh(), advisor.refresh()]);
    expect(asked).toEqual([{ level: 'warn', from: now - 24 * hour, to: now, limit: 5_000 }]);
    expect(advisor.advice.get()).toMatchObject({
      at: now,
      recommendations: [{ id: 'gpu-lost' }],
      patterns: [{ pattern: 'failed <number>', example: 'failed 3' }],
    });
  });

  it('goes on without a log', async () => {
    const advisor = createAdvisor({
      reader: measured(),
      health: () => undefined,
      clock,
      searchLog: () => Promise.reject(new Error('no storage')),
    });
    await advisor.refresh();
    expect(advisor.advice.get()).toMatchObject({ at: now, patterns: [], recommendations: [] });
  });
});
