import { describe, expect, it } from 'vitest';
import { createTelemetry, createTracer, type PageTelemetry } from '../../src/observability/index.ts';
import type { SpanRecord } from '../../src/observability/traces/types.ts';
import { waterfallOf } from '../../src/observability/traces/waterfall.ts';
import { honest } from './plan.ts';
import { createSeededRandom } from './random.ts';
import { openRoom } from './room.ts';

const traced = (room: ReturnType<typeof openRoom>, seed: number) => {
  const telemetry = createTelemetry({
    clock: room.time.clock,
    random: createSeededRandom(seed),
    createTracer,
  });
  const spans: SpanRecord[] = [];
  telemetry.spans((span) => spans.push(span));
  return { telemetry, spans };
};
const counted = ({ metrics }: PageTelemetry, name: string) =>
  metrics
    .snapshot()
    .filter((series) => series.name === name)
    .reduce((sum, series) => sum + (series.kind === 'histogram' ? series.sketch.count : series.value), 0);

describe('a job that several tabs read', () => {
  it('is one trace over all of them, and its waterfall hangs together', async () => {
    const room = openRoom();
    const [here, there] = [traced(room, 1), traced(room, 2)];
    const ana = await room.enter('ana', {
      ...honest(0.1, 1),
      serves: false,
      telemetry: here.telemetry,
    });
    const ben = await room.enter('ben', { ...honest(0.3, 2), telemetry: there.telemetry });
    const job = await room.submit(ana, [20, 12]);
    const view = await room.finish(ana, job);
    expect(view.state.phase).toBe('done');
    await room.pass(1_000);

    const traceId = await here.telemetry.traces.traceOfJob(job);
    const own = await here.telemetry.traces.spansOf(traceId ?? '');
    const served = await there.telemetry.traces.spansOf(traceId ?? '');
    expect(own.filter(({ name }) => name === 'job')).toHaveLength(1);
    const calls = own.filter(({ kind }) => kind === 'client');
    expect(calls.length).toBeGreaterThan(0);
    expect(calls.every(({ fields }) => fields['peer'] === ben.identity.peer)).toBe(true);
    const answers = served.filter(({ kind }) => kind === 'server');
    expect(answers.length).toBe(calls.length);

    const rows = waterfallOf([...own, ...served]);
    expect(rows.filter(({ orphan }) => orphan)).toEqual([]);
    expect(rows.filter(({ depth }) => depth === 0).map(({ span }) => span.name)).toEqual(['job']);
    // job → task → call → serving → what it waited for
    expect(Math.max(...rows.map(({ depth }) => depth))).toBe(4);
    expect(rows[0]?.critical).toBe(true);
    expect(rows.filter(({ critical }) => critical).length).toBeGreaterThan(2);
    expect(here.telemetry.traces.running()).toEqual([]);
    expect(there.telemetry.traces.running()).toEqual([]);
  });

  it('is counted at the one who asks and at the one who serves', async () => {
    const room = openRoom();
    const [here, there] = [traced(room, 1), traced(room, 2)];
    const ana = await room.enter('ana', { ...honest(0.1, 1), serves: false, telemetry: here.telemetry });
    await room.enter('ben', { ...honest(0.3, 2), telemetry: there.telemetry });
    await room.finish(ana, await room.submit(ana, [20, 12]));
    expect(here.telemetry.metrics.value('inference_jobs_total', { outcome: 'done' })).toBe(1);
    expect(counted(here.telemetry, 'inference_job_seconds')).toBe(1);
    const tasks = counted(here.telemetry, 'inference_tasks_total');
    expect(tasks).toBeGreaterThan(2);
    expect(counted(here.telemetry, 'inference_task_seconds')).toBe(tasks);
    const served = there.telemetry.metrics.value('inference_served_tasks_total', { outcome: 'ok' });
    expect(served).toBeGreaterThan(0);
    expect(counted(there.telemetry, 'inference_queue_seconds')).toBe(served);
  });

  it('goes on in another trace of the same job after a reload', async () => {
    const room = openRoom();
    const first = traced(room, 1);
    const device = room.device('ana');
    const ana = await room.enter('ana', { ...honest(0.02, 1), telemetry: first.telemetry }, device);
    const job = await room.submit(ana, [20]);
    await room.pass(500);
    ana.kill();
    const second = traced(room, 3);
    const again = await room.enter('ana', { ...honest(1, 1), telemetry: second.telemetry }, device);
    await again.coordinator.resumeStoredJobs();
    await room.finish(again, job);
    const root = second.spans.find(({ name }) => name === 'job');
    expect(root).toMatchObject({ fields: { job, resumed: true, outcome: 'done' } });
    expect(root?.context.traceId).not.toBe(first.telemetry.traces.running()[0]?.context.traceId);
    // How long a job took whose beginning another page saw is not known here.
    expect(counted(second.telemetry, 'inference_job_seconds')).toBe(0);
  });
});
