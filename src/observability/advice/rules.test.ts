import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Incident } from '../health/types.ts';
import { metricDescriptions } from '../metrics/catalogue.ts';
import { adviseFrom } from './advise.ts';
import { createRecording, type Recording, reportWith } from './testDoubles.ts';

const now = 1_800_000_000_000;
const hour = 3_600_000;
const times = (n: number, value: number) => Array<number>(n).fill(value);
const recommend = (recording: Recording, incidents: readonly Incident[] = []) =>
  adviseFrom({ reader: recording, logs: [], health: reportWith(incidents, now), now }).recommendations;
const ids = (recording: Recording, incidents?: readonly Incident[]) =>
  recommend(recording, incidents).map(({ id }) => id);
const measured = () => createRecording(now);

describe('nothing is recommended', () => {
  it('where nothing was measured, and where all is well', () => {
    expect(ids(measured())).toEqual([]);
    const well = measured()
      .count('inference_accepted_total', 5_000)
      .count('inference_hedged_total', 100)
      .count('inference_reassigned_total', 20)
      .observe('inference_task_seconds', times(5_000, 1), { kind: 'line', where: 'here' })
      .observe('inference_queue_seconds', times(5_000, 0.2))
      .observe('worker_call_seconds', times(5_000, 1), { pool: 'ocr', outcome: 'ok' })
      .count('workers_crashed_total', 2, { pool: 'ocr' })
      .count('gpu_lost_total', 1)
      .count('cache_hits_total', 90, { cache: 'models' })
      .count('cache_misses_total', 10, { cache: 'models' })
      .observe('rpc_seconds', times(1_000, 0.1), { method: 'read', outcome: 'ok' })
      .observe('rpc_seconds', times(20, 5), { method: 'read', outcome: 'timeout' })
      .observe('mesh_link_open_seconds', times(20, 1), { way: 'direct', outcome: 'up' })
      .observe('mesh_link_open_seconds', times(4, 9), { way: 'direct', outcome: 'ice' })
      .count('signaling_reconnects_total', 2)
      .observe('long_task_seconds', times(200, 0.08))
      .count('telemetry_dropped_total', 20, { reason: 'cardinality' });
    expect(ids(well)).toEqual([]);
  });

  it('from less than a rule needs, whatever its numbers', () => {
    const names = Object.entries(metricDescriptions);
    const outcomes = ['ok', 'timeout', 'up', 'ice', 'failed', 'cardinality', 'models', 'direct', 'peer', 'a'];
    const few = fc.array(
      fc.record({
        metric: fc.constantFrom(...names),
        value: fc.double({ min: 0, max: 1e9, noNaN: true }),
        label: fc.constantFrom(...outcomes),
      }),
      { maxLength: 400 },
    );
    fc.assert(
      fc.property(few, (events) => {
        const recording = measured();
        const seen = new Map<string, number>();
        for (const { metric, value, label } of events) {
          const [name, { kind, labels }] = metric;
          const so = (seen.get(name) ?? 0) + 1;
          seen.set(name, so);
          if (so > (kind === 'counter' ? 1 : 9)) continue;
          const given = Object.fromEntries(labels.map((one) => [one, label]));
          if (kind === 'counter') recording.count(name, 1 + (value % 1), given);
          if (kind === 'histogram') recording.observe(name, [value], given);
          if (kind === 'gauge') recording.gauge(name, [{ at: now - 1, value }]);
        }
        expect(ids(recording)).toEqual([]);
      }),
      { seed: 61, numRuns: 100 },
    );
  });
});

describe('work done twice', () => {
  const hedging = (accepted: number, hedged: number, at = now - hour) =>
    measured()
      .count('inference_accepted_total', accepted, {}, at)
      .count('inference_hedged_total', hedged, {}, at)
      .observe('inference_task_seconds', times(100, 2), { kind: 'line', where: 'peer' }, at);

  it('is said with its share, and what it costs', () => {
    expect(recommend(hedging(1_000, 180))).toEqual([
      {
        id: 'hedging',
        title: 'Much work is done twice because nodes are slow',
        action: expect.any(String),
        evidence: [
          'Hedged tasks were 18 % of work: 180 of 1,000 tasks in the last 6 hours.',
          'A task takes 2 s on average.',
        ],
        expectedGain: 'Up to 6 min of work in 6 hours that need not be done twice.',
        confidence: 1,
      },
    ]);
  });

  it('is not said of few tasks, a small share, or long ago', () => {
    expect(ids(hedging(49, 20))).toEqual([]);
    expect(ids(hedging(60, 9))).toEqual([]);
    expect(ids(hedging(1_000, 99))).toEqual([]);
    expect(ids(hedging(1_000, 500, now - 7 * hour))).toEqual([]);
  });

  it('is less certain from less', () => {
    expect(recommend(hedging(50, 20))[0]?.confidence).toBe(0.25);
    expect(recommend(hedging(100, 20))[0]?.confidence).toBe(0.5);
  });

  it('is counted in tasks when nobody knows how long one takes', () => {
    const unknown = measured().count('inference_accepted_total', 100).count('inference_hedged_total', 20);
    expect(recommend(unknown)[0]).toMatchObject({
      expectedGain: 'Up to 20 tasks in 6 hours that need not be done twice.',
    });
  });
});

describe('work', () => {
  it('that nodes give up is said, with the time it costs', () => {
    const left = (reassigned: number) =>
      measured()
        .count('inference_accepted_total', 200)
        .count('inference_reassigned_total', reassigned)
        .observe('inference_task_seconds', times(100, 3), { kind: 'line', where: 'peer' });
    expect(recommend(left(50))[0]).toMatchObject({
      id: 'reassigned',
      expectedGain: 'Up to 2.5 min in 6 hours that tasks need not begin again, at 3 s a task.',
    });
    expect(ids(left(19))).toEqual([]);
  });

  it('that waits longer than it takes is said, if it is work done here', () => {
    const waiting = (waits: number, where: string, n = 60) =>
      measured()
        .observe('inference_queue_seconds', times(n, waits))
        .observe('inference_task_seconds', times(60, 1), { kind: 'line', where });
    expect(recommend(waiting(3, 'here'))[0]).toMatchObject({
      id: 'queue',
      evidence: ['60 tasks waited 3 s on average in the last 6 hours.', 'A task takes 1 s here.'],
      expectedGain: 'Up to 75 % of the time until an answer.',
    });
    expect(ids(waiting(0.9, 'here'))).toEqual([]);
    expect(ids(waiting(3, 'peer'))).toEqual([]);
    expect(ids(waiting(3, 'here', 49))).toEqual([]);
  });

  it('of workers that crash is said of that pool only', () => {
    const crashing = (crashed: number, calls = 100) =>
      measured()
        .observe('worker_call_seconds', times(calls, 1.5), { pool: 'ocr', outcome: 'ok' })
        .observe('worker_call_seconds', times(100, 1), { pool: 'ledger', outcome: 'ok' })
        .count('workers_crashed_total', crashed, { pool: 'ocr' })
        .count('workers_stuck_total', 1, { pool: 'ocr' });
    expect(recommend(crashing(4))).toMatchObject([
      {
        id: 'workers:ocr',
        evidence: ['4 crashed and 1 gave no sign of life, in 100 calls in the last 6 hours.'],
        expectedGain: '5 calls of 1.5 s on average that need not fail or begin again.',
      },
    ]);
    expect(ids(crashing(1))).toEqual([]);
    expect(ids(crashing(4, 1_000))).toEqual([]);
  });

  it('of a GPU that is lost again and again is better done by WASM', () => {
    const losing = (lost: number, at?: number) =>
      measured()
        .count('gpu_lost_total', lost, {}, at)
        .observe('model_open_seconds', times(5, 4), { runtime: 'webgpu' });
    expect(recommend(losing(4))[0]).toMatchObject({
      id: 'gpu-lost',
      title: 'The GPU was lost 4 times in an hour: use WASM',
      expectedGain: expect.stringMatching(
        /^4 interruptions and at least 16 s of opening models an hour less\.$/,
      ),
    });
    expect(ids(losing(2))).toEqual([]);
    expect(ids(losing(9, now - 2 * hour))).toEqual([]);
  });
});

describe('a cache', () => {
  const cache = (hits: number, misses: number) =>
    measured()
      .count('cache_hits_total', hits, { cache: 'models' })
      .count('cache_misses_total', misses, { cache: 'models' });

  it('that misses is said, with how much longer a miss takes', () => {
    const slow = cache(40, 60)
      .observe('model_load_seconds', times(10, 1), { model: 'm', from: 'storage' })
      .observe('model_load_seconds', times(10, 11), { model: 'm', from: 'network' });
    expect(recommend(slow)[0]).toMatchObject({
      id: 'cache:models',
      evidence: [
        '60 of 100 look-ups missed (60 %) in the last 24 hours.',
        'A miss takes 10 s longer than a hit.',
      ],
      expectedGain: 'Up to 10 min a day.',
    });
    expect(recommend(cache(40, 60))[0]?.expectedGain).toBe('Up to 60 fetches a day less.');
  });

  it('is left alone if it mostly hits, or was hardly asked', () => {
    expect(ids(cache(60, 40))).toEqual([]);
    expect(ids(cache(0, 19))).toEqual([]);
  });
});

describe('the network', () => {
  it('has methods that fail, each with its most frequent reasons', () => {
    const calls = (failed: number) =>
      measured()
        .observe('rpc_seconds', times(100, 0.1), { method: 'read', outcome: 'ok' })
        .observe('rpc_seconds', times(failed, 10), { method: 'read', outcome: 'timeout' })
        .observe('rpc_seconds', times(5, 1), { method: 'read', outcome: 'refused' })
        .observe('rpc_seconds', times(500, 1), { method: 'write', outcome: 'cancelled' });
    expect(recommend(calls(20))).toMatchObject([
      {
        id: 'rpc-failing:read',
        evidence: [
          '25 of 125 calls failed (20 %) in the last 6 hours.',
          'Most often: “timeout” 20 times, “refused” 5 times.',
        ],
        expectedGain: 'Up to 3.4 min of waiting for nothing in 6 hours.',
      },
    ]);
    expect(ids(calls(4))).toEqual([]);
  });

  it('has a peer that is far slower than the others', () => {
    const peers = (slow: number, n = 40) =>
      measured()
        .observe('rpc_seconds', times(n, slow), { method: 'read', outcome: 'ok', peer: 'slow' })
        .observe('rpc_seconds', times(40, 0.2), { method: 'read', outcome: 'ok', peer: 'b' })
        .observe('rpc_seconds', times(40, 0.2), { method: 'read', outcome: 'ok', peer: 'c' });
    expect(recommend(peers(1.8))).toMatchObject([
      {
        id: 'slow-peer:rpc_seconds',
        evidence: ['RPC p99 is 1.8 s, 9× the others’ 200 ms, of 40 samples in the last 6 hours.'],
        expectedGain: '1.6 s for the slowest in a hundred of its calls.',
      },
    ]);
    expect(ids(peers(0.9))).toEqual([]);
    expect(ids(peers(1.8, 29))).toEqual([]);
    expect(
      ids(
        measured()
          .observe('rpc_seconds', times(99, 9), { peer: 'a' })
          .observe('rpc_seconds', times(99, 1), { peer: 'b' }),
      ),
    ).toEqual([]);
  });

  it('has direct links that fail, and others instead', () => {
    const links = (failed: number) =>
      measured()
        .observe('mesh_link_open_seconds', times(6, 1), { way: 'direct', outcome: 'up' })
        .observe('mesh_link_open_seconds', times(failed, 15), { way: 'direct', outcome: 'ice' })
        .observe('mesh_link_open_seconds', times(50, 15), { way: 'carried', outcome: 'ice' })
        .count('mesh_links_carried_total', 8);
    expect(recommend(links(12))).toMatchObject([
      {
        id: 'links-failing',
        evidence: [
          '12 of 18 attempts failed (67 %) in the last 6 hours.',
          '8 links went through the server instead.',
        ],
      },
    ]);
    expect(ids(links(5))).toEqual([]);
  });

  it('has a meeting server that has to be joined again and again', () => {
    const again = (n: number) =>
      measured().count('signaling_reconnects_total', n).observe('signaling_join_seconds', times(10, 2));
    expect(recommend(again(12))[0]).toMatchObject({
      id: 'reconnects',
      expectedGain: '12 interruptions an hour less, 24 s of connecting.',
      confidence: 0.5,
    });
    expect(ids(again(5))).toEqual([]);
  });
});

describe('the device', () => {
  it('is told when the page is too busy', () => {
    const busy = (n: number, seconds: number) => measured().observe('long_task_seconds', times(n, seconds));
    expect(recommend(busy(120, 0.6))[0]).toMatchObject({
      id: 'long-tasks',
      expectedGain: 'Up to 72 s an hour (2.0 % of the time) in which the page answers again.',
    });
    expect(ids(busy(19, 0.6))).toEqual([]);
    expect(ids(busy(120, 0.15))).toEqual([]);
  });

  it('is told when labels are made of ids', () => {
    const dropped = (n: number, reason: string) => measured().count('telemetry_dropped_total', n, { reason });
    expect(ids(dropped(2_000, 'cardinality'))).toEqual(['cardinality']);
    expect(ids(dropped(999, 'cardinality'))).toEqual([]);
    expect(ids(dropped(2_000, 'kind'))).toEqual([]);
  });
});

describe('recovery', () => {
  const incident = (i: number, helped: boolean): Incident => ({
    check: 'engine',
    startedAt: now - (i + 1) * hour,
    endedAt: now - (i + 1) * hour + 600_000,
    actions: [{ id: 'restart-worker', at: now - (i + 1) * hour, helped }],
    message: 'it is down',
  });
  const incidents = (n: number, helped: boolean) => Array.from({ length: n }, (_, i) => incident(i, helped));

  it('that does not last is said, with how long it was away', () => {
    expect(recommend(measured(), incidents(6, true))).toMatchObject([
      { id: 'flapping:engine', evidence: ['It failed 6 times in 24 hours, for 60 min together.'] },
    ]);
    expect(ids(measured(), incidents(4, true))).toEqual([]);
  });

  it('that does not help is said of the action', () => {
    expect(recommend(measured(), incidents(3, false))).toMatchObject([
      {
        id: 'useless:engine:restart-worker',
        evidence: ['It was tried 3 times in 24 hours and helped 0 of them.'],
      },
    ]);
    expect(ids(measured(), incidents(2, false))).toEqual([]);
    expect(ids(measured(), [...incidents(2, false), incident(3, true), incident(4, true)])).toEqual([]);
  });

  it('of yesterday is forgotten', () => {
    const old = incidents(9, false).map((one) => ({ ...one, startedAt: one.startedAt - 30 * hour }));
    expect(ids(measured(), old)).toEqual([]);
  });
});
