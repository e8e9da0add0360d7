import { describe, expect, it } from 'vitest';
import { createTelemetry, createTracer } from '../../observability/index.ts';
import { createTestRandom } from '../../observability/traces/testDoubles.ts';
import { createManualTime } from '../testDoubles.ts';
import { createDeadlines } from './deadlines.ts';
import { createRpcMeter } from './meter.ts';

const ok = { method: 'read', outcome: 'ok' };
const out = { direction: 'out' };

const createRig = () => {
  const time = createManualTime();
  const telemetry = createTelemetry({ clock: time.clock, random: createTestRandom(1), createTracer });
  const meter = createRpcMeter({ telemetry, deadlines: createDeadlines(time) });
  return { time, meter, value: telemetry.metrics.value };
};

describe('the meter of RPC', () => {
  it('says all that was measured within a quarter of a second, and goes on after it', async () => {
    const { time, meter, value } = createRig();
    meter.sent(40);
    meter.sent(2);
    meter.received(7);
    meter.called('read', 'ok', 0.1);
    meter.served('read', 'failed', 0.2);
    expect(value('rpc_seconds', ok)).toBe(0);
    await time.advance(250);
    expect(value('rpc_seconds', ok)).toBe(1);
    expect(value('rpc_served_seconds', { method: 'read', outcome: 'failed' })).toBe(1);
    expect(value('rpc_bytes_total', out)).toBe(42);
    expect(value('rpc_bytes_total', { direction: 'in' })).toBe(7);
    meter.sent(1);
    await time.advance(250);
    expect(value('rpc_bytes_total', out)).toBe(43);
    expect(value('rpc_seconds', ok)).toBe(1);
  });

  it('holds no timer while nothing is measured', async () => {
    const { time, meter } = createRig();
    expect(time.pending()).toBe(0);
    meter.sent(1);
    for (let i = 0; i < 1_000; i++) meter.called('read', 'ok', 0.1);
    expect(time.pending()).toBe(1);
    await time.advance(1_000);
    expect(time.pending()).toBe(0);
  });

  it('holds no more of a storm than it says at once', () => {
    const { meter, value } = createRig();
    meter.sent(9);
    for (let i = 0; i < 1_000; i++) meter.called('read', 'ok', 0.1);
    expect(value('rpc_seconds', ok)).toBe(1_000);
    expect(value('rpc_bytes_total', out)).toBe(9);
  });

  it('loses nothing when it is closed, nor what ends after that', () => {
    const { meter, value } = createRig();
    meter.called('read', 'ok', 0.1);
    meter.sent(5);
    meter.close();
    expect(value('rpc_seconds', ok)).toBe(1);
    meter.called('read', 'ok', 0.1);
    meter.sent(5);
    expect(value('rpc_seconds', ok)).toBe(2);
    expect(value('rpc_bytes_total', out)).toBe(10);
  });
});
