import { describe, expect, it } from 'vitest';
import type { ShareLimits } from '../contracts.ts';
import { planWorkers, slotsAllowed } from './slots.ts';

const limits: ShareLimits = { cores: 4, gpu: true, onlyWhenCharging: false, paused: false };
const plugged = { cores: 8, battery: { charging: true, level: 0.5 } };
const workers = { workers: 4, threads: 1 };

describe('slotsAllowed', () => {
  it('gives a slot per worker on WASM and one on the GPU', () => {
    expect(slotsAllowed({ limits, profile: plugged, runtime: 'wasm', workers }).slots).toBe(4);
    expect(slotsAllowed({ limits, profile: plugged, runtime: 'webgpu', workers }).slots).toBe(1);
  });

  it('gives none while paused, whatever else holds', () => {
    const answer = slotsAllowed({
      limits: { ...limits, paused: true },
      profile: plugged,
      runtime: 'wasm',
      workers,
    });
    expect(answer).toEqual({ slots: 0, reason: 'paused' });
  });

  it('follows the battery only when the person asked for it', () => {
    const profile = { cores: 8, battery: { charging: false, level: 1 } };
    expect(slotsAllowed({ limits, profile, runtime: 'wasm', workers }).slots).toBe(4);
    const careful = { ...limits, onlyWhenCharging: true };
    expect(slotsAllowed({ limits: careful, profile, runtime: 'wasm', workers })).toEqual({
      slots: 0,
      reason: 'on battery',
    });
    expect(slotsAllowed({ limits: careful, profile: plugged, runtime: 'wasm', workers }).slots).toBe(4);
  });

  it('takes an unreported battery for a discharging one, and says what to do', () => {
    const answer = slotsAllowed({
      limits: { ...limits, onlyWhenCharging: true },
      profile: { cores: 8, battery: undefined },
      runtime: 'wasm',
      workers,
    });
    expect(answer.slots).toBe(0);
    expect(answer.reason).toContain('switch off');
  });

  it('keeps the GPU private when it is not shared', () => {
    const answer = slotsAllowed({
      limits: { ...limits, gpu: false },
      profile: plugged,
      runtime: 'webgpu',
      workers,
    });
    expect(answer).toEqual({ slots: 0, reason: 'the GPU is not shared' });
  });
});

describe('planWorkers', () => {
  const profile = { cores: 16, memoryGiB: 8 as number | undefined, mobile: false, crossOriginIsolated: true };
  const plan = (cores: number, change: Partial<typeof profile> = {}) =>
    planWorkers({ limits: { cores }, profile: { ...profile, ...change } });

  it('turns cores into workers first', () => {
    expect(plan(1)).toEqual({ workers: 1, threads: 1 });
    expect(plan(3)).toEqual({ workers: 3, threads: 1 });
    expect(plan(7)).toEqual({ workers: 4, threads: 1 });
  });

  it('gives what is left over to threads, where threads are possible', () => {
    expect(plan(8)).toEqual({ workers: 4, threads: 2 });
    expect(plan(16)).toEqual({ workers: 4, threads: 4 });
    expect(plan(16, { crossOriginIsolated: false })).toEqual({ workers: 4, threads: 1 });
  });

  it('never takes more cores than the device has, nor more workers than its memory holds', () => {
    expect(plan(64, { cores: 2 })).toEqual({ workers: 2, threads: 1 });
    expect(plan(8, { memoryGiB: 0.5 })).toEqual({ workers: 1, threads: 4 });
    expect(plan(8, { memoryGiB: 4, mobile: true })).toEqual({ workers: 2, threads: 4 });
    expect(plan(6, { memoryGiB: undefined, mobile: true })).toMatchObject({ workers: 2 });
    expect(plan(6, { memoryGiB: undefined })).toMatchObject({ workers: 4 });
    expect(planWorkers({ limits: { cores: 2 }, profile: undefined })).toEqual({ workers: 2, threads: 1 });
  });
});
