import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { milliseconds, type PeerId } from '../../core/brand.ts';
import { err, fault, ok } from '../../core/result.ts';
import { createTelemetry, createTracer, tracerDefaults } from '../../observability/index.ts';
import { createTestRandom } from '../../observability/traces/testDoubles.ts';
import type { SpanRecord } from '../../observability/traces/types.ts';
import type { Method } from '../contracts.ts';
import { createManualTime, createTransportHub } from '../testDoubles.ts';
import { encodeRpc, type RpcMessage } from './protocol.ts';
import { createRpc } from './rpc.ts';

const ana = 'ana' as PeerId;
const ben = 'ben' as PeerId;
const number = v.object({ n: v.number() });
type Count = v.InferOutput<typeof number>;
const double: Method<Count, Count, Count> = {
  name: 'double',
  input: number,
  output: number,
  progress: number,
  priority: 'bulk',
};
const minute = { deadline: milliseconds(60_000) };

const createPair = () => {
  const time = createManualTime();
  const hub = createTransportHub();
  const open = (peer: PeerId, seed: number) => {
    const telemetry = createTelemetry({ clock: time.clock, random: createTestRandom(seed), createTracer });
    const spans: SpanRecord[] = [];
    telemetry.spans((span) => spans.push(span));
    return { telemetry, spans, rpc: createRpc(hub.join(peer), { ...time, telemetry }) };
  };
  return { time, hub, ana: open(ana, 11), ben: open(ben, 12_345) };
};

describe('the trace of a call', () => {
  it('goes from the caller’s span over the call to what is done for it there', async () => {
    const { time, ana: caller, ben: server } = createPair();
    server.rpc.handle(double, async ({ n }, { trace }) => {
      server.telemetry.span('work', { parent: trace }).end();
      return ok({ n: 2 * n });
    });
    const root = caller.telemetry.span('job');
    const call = caller.rpc.call(ben, double, { n: 1 }, { ...minute, trace: root.context });
    await time.advance(0);
    expect(await call).toMatchObject({ ok: true });
    const [client] = caller.spans;
    const [work, served] = server.spans;
    expect(client).toMatchObject({ name: 'double', kind: 'client', parentId: root.context.spanId });
    expect(client?.fields).toEqual({ peer: ben, outcome: 'ok' });
    expect(served).toMatchObject({ name: 'double', kind: 'server', parentId: client?.context.spanId });
    expect(work?.parentId).toBe(served?.context.spanId);
    const traces = [client, work, served].map((span) => span?.context.traceId);
    expect(new Set(traces)).toEqual(new Set([root.context.traceId]));
  });

  it('is neither begun nor sent where the caller has none', async () => {
    const { time, hub: _hub, ana: caller, ben: server } = createPair();
    let seen: unknown = 'nothing';
    server.rpc.handle(double, async ({ n }, { trace }) => {
      seen = trace;
      return ok({ n });
    });
    const call = caller.rpc.call(ben, double, { n: 1 }, minute);
    await time.advance(0);
    await call;
    expect(seen).toBeUndefined();
    expect([...caller.spans, ...server.spans]).toEqual([]);
  });

  it('is not sent for a call for which the trace has no room', async () => {
    const { time, ana: caller, ben: server } = createPair();
    server.rpc.handle(double, async ({ n }) => ok({ n }));
    const root = caller.telemetry.span('job');
    const options = { ...minute, trace: root.context };
    const calls = tracerDefaults.maxSpansPerTrace + 10;
    for (let n = 0; n < calls; n++) {
      const call = caller.rpc.call(ben, double, { n }, options);
      await time.advance(0);
      expect(await call).toMatchObject({ ok: true });
    }
    expect(caller.spans).toHaveLength(tracerDefaults.maxSpansPerTrace);
    expect(server.spans).toHaveLength(tracerDefaults.maxSpansPerTrace);
    expect(caller.telemetry.dropped()['spans.limit']).toBe(10);
    expect(server.telemetry.dropped()['spans.limit']).toBe(0);
  });

  it('says at both ends why it failed; a refusal is an answer', async () => {
    const { time, ana: caller, ben: server } = createPair();
    server.rpc.handle(double, async () => err(fault('refused', 'I am on battery')));
    const root = caller.telemetry.span('job');
    const call = caller.rpc.call(ben, double, { n: 1 }, { ...minute, trace: root.context });
    await time.advance(0);
    await call;
    expect(caller.spans[0]).toMatchObject({ failure: 'I am on battery', fields: { outcome: 'refused' } });
    expect(server.spans[0]).toMatchObject({ failure: undefined, fields: { outcome: 'refused' } });
  });

  it('is no failure where the caller cancels, and no server span stays open', async () => {
    const { time, ana: caller, ben: server } = createPair();
    server.rpc.handle(
      double,
      (_input, { signal }) =>
        new Promise((resolve) => signal.addEventListener('abort', () => resolve(ok({ n: 0 })))),
    );
    const controller = new AbortController();
    const root = caller.telemetry.span('job');
    const options = { ...minute, signal: controller.signal, trace: root.context };
    const call = caller.rpc.call(ben, double, { n: 1 }, options);
    await time.advance(10);
    controller.abort();
    await time.advance(10);
    await call;
    expect(caller.spans[0]).toMatchObject({ failure: undefined, fields: { outcome: 'cancelled' } });
    expect(server.spans[0]).toMatchObject({ failure: undefined, fields: { outcome: 'cancelled' } });
    expect(server.telemetry.traces.running()).toEqual([]);
  });

  it.each([
    ['text that is none', 'nonsense'],
    ['zero ids', `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01`],
    ['a megabyte', 'x'.repeat(1_000_000)],
    ['a map', { a: 1 }],
    ['nothing', null],
  ])('costs no call if it is %s', async (_what, tp) => {
    const { time, hub, ben: server } = createPair();
    let served = 0;
    server.rpc.handle(double, async ({ n }) => {
      served++;
      return ok({ n });
    });
    const message: RpcMessage = { t: 'call', id: 1, m: 'double', i: { n: 1 }, d: 1_000, tp };
    hub.inject(ana, ben, encodeRpc(message));
    await time.advance(0);
    expect(served).toBe(1);
    expect(server.spans).toEqual([]);
  });

  it('is measured at both ends, traced or not', async () => {
    const { time, ana: caller, ben: server } = createPair();
    server.rpc.handle(double, async ({ n }) => (n === 1 ? ok({ n }) : err(fault('failed', 'no'))));
    for (const n of [1, 1, 2]) {
      const call = caller.rpc.call(ben, double, { n }, minute);
      await time.advance(5);
      await call;
    }
    await time.advance(250);
    const { metrics } = caller.telemetry;
    expect(metrics.value('rpc_seconds', { method: 'double', outcome: 'ok' })).toBe(2);
    expect(metrics.value('rpc_seconds', { method: 'double', outcome: 'failed' })).toBe(1);
    const served = server.telemetry.metrics;
    expect(served.value('rpc_served_seconds', { method: 'double', outcome: 'ok' })).toBe(2);
    expect(served.value('rpc_served_seconds', { method: 'double', outcome: 'failed' })).toBe(1);
    const sent = metrics.value('rpc_bytes_total', { direction: 'out' });
    expect(sent).toBeGreaterThan(0);
    expect(served.value('rpc_bytes_total', { direction: 'in' })).toBe(sent);
  });
});
