import { describe, expect, it } from 'vitest';
import type { AccountId, DeviceId, JobId, PeerId, TaskId } from '../core/brand.ts';
import { byteCount } from '../core/brand.ts';
import { type CborValue, encodeCbor } from '../core/codec.ts';
import { decodeWith } from '../core/schema.ts';
import type { NodeStatus } from './contracts.ts';
import { statusMethod, taskMethods } from './protocol.ts';
import { inferenceLimits } from './schemas.ts';
import { idOf, modelHash } from './testDoubles.ts';

const status: NodeStatus = {
  peer: idOf<PeerId>('peer'),
  account: idOf<AccountId>('account'),
  device: idOf<DeviceId>('device'),
  name: 'Ana',
  build: '0.1.0',
  profile: {
    label: 'Chrome on Linux',
    mobile: false,
    cores: 8,
    memoryGiB: undefined,
    gpu: { kind: 'none', reason: 'no adapter' },
    battery: undefined,
    network: { effectiveType: '4g', downlinkMbps: 10, rtt: undefined, saveData: false },
    storage: { quota: byteCount(1e9), usage: byteCount(5), persisted: true },
    crossOriginIsolated: true,
  },
  accepts: { open: false, reason: 'on battery' },
  slots: 2,
  queued: 0,
  speeds: [
    {
      runtime: 'wasm',
      threads: 2,
      workers: 1,
      megapixelsPerSecond: { 'ocr.detect': 1.5 },
      version: 'ort 1.30',
      measuredAt: 5,
    },
  ],
  runtime: undefined,
  models: { 'ocr.detect': modelHash('detector') },
};
const request = {
  unit: idOf<TaskId>('unit'),
  job: idOf<JobId>('job'),
  model: modelHash('model'),
  inputHash: modelHash('input'),
};
const overTheWire = (value: unknown) => encodeCbor(value as CborValue);

describe('what a node says of itself', () => {
  it('comes through the wire as it was, with what is not reported still undefined', () => {
    const heard = decodeWith(statusMethod.input, overTheWire(status));
    expect(heard).toEqual({ ok: true, value: status });
    expect(heard.ok && 'memoryGiB' in heard.value.profile).toBe(true);
  });

  it.each([
    ['a name as long as a book', { name: 'x'.repeat(500) }],
    ['more slots than a machine has', { slots: 100_000 }],
    ['a member nobody knows', { admin: true }],
    ['an id that is none', { peer: 'me' }],
    ['a speed below zero', { speeds: [{ ...status.speeds[0], megapixelsPerSecond: { 'ocr.detect': -1 } }] }],
  ])('is refused with %s', (_, changes) => {
    expect(decodeWith(statusMethod.input, overTheWire({ ...status, ...changes })).ok).toBe(false);
  });
});

describe('a task', () => {
  const detect = (image: object) =>
    decodeWith(taskMethods['ocr.detect'].input, overTheWire({ ...request, input: { image } }));
  const recognize = (lines: readonly object[]) =>
    decodeWith(taskMethods['ocr.recognize'].input, overTheWire({ ...request, input: { lines } }));
  const data = new Uint8Array([1, 2, 3]);

  it('is taken within its limits', () => {
    expect(detect({ width: 640, height: 480, data }).ok).toBe(true);
    expect(recognize([{ width: 320, height: 48, data }]).ok).toBe(true);
  });

  it.each([
    ['sides that are no multiple of 32', { width: 641, height: 480, data }],
    ['a side of nothing', { width: 0, height: 480, data }],
    ['more pixels than a detector takes', { width: 4096, height: 4096, data }],
    ['no bytes', { width: 640, height: 480, data: new Uint8Array() }],
    [
      'more bytes than a link takes',
      { width: 640, height: 480, data: new Uint8Array(inferenceLimits.maxInputBytes + 1) },
    ],
  ])('is refused with %s', (_, image) => {
    expect(detect(image).ok).toBe(false);
  });

  it.each([
    ['no lines', []],
    ['too many lines', Array.from({ length: 65 }, () => ({ width: 64, height: 48, data }))],
    ['lines of another height', [{ width: 64, height: 32, data }]],
    [
      'lines that are too many bytes together',
      Array.from({ length: 3 }, () => ({ width: 64, height: 48, data: new Uint8Array(3 * 1024 * 1024) })),
    ],
  ])('of reading is refused with %s', (_, lines) => {
    expect(recognize(lines).ok).toBe(false);
  });

  it('is answered with finite numbers and nothing else', () => {
    const answer = (confidence: number) =>
      decodeWith(
        taskMethods['ocr.recognize'].output,
        overTheWire({ output: { lines: [{ text: 'a', confidence }] }, claim: null }),
      ).ok;
    expect([answer(0.5), answer(1.5), answer(-0.1)]).toEqual([true, false, false]);
  });
});
