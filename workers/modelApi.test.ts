import { describe, expect, it } from 'vitest';
import { milliseconds } from '../src/core/brand.ts';
import { utf8 } from '../src/core/bytes.ts';
import { sha256Bytes, sha256Hex } from '../src/core/hash.ts';
import { err, fault, ok } from '../src/core/result.ts';
import { createModelApi } from './modelApi.ts';

const content = utf8('the weights of a small model');
const model = {
  name: 'tiny',
  url: 'https://x/tiny.onnx',
  sha256: sha256Hex(content),
  bytes: content.byteLength,
};

const createApi = (kept: 'storage' | 'nowhere') => {
  const stored = new Map<string, Uint8Array<ArrayBuffer>>();
  const abort = new AbortController();
  const looks = Array.from({ length: 20 }, (_, i) => milliseconds(250 * i));
  const api = createModelApi({
    openScope: () => ({ signal: abort.signal, step: async () => {} }),
    blobs: {
      get: async (sha256) => stored.get(sha256),
      async put(sha256, bytes) {
        if (kept === 'nowhere') return err(fault('full', 'this browser has no storage left for it'));
        stored.set(sha256, bytes);
        return ok(undefined);
      },
      async delete(sha256) {
        stored.delete(sha256);
      },
    },
    download: async (_url, { signal, onProgress }) => {
      if (signal?.aborted) return err(fault('cancelled', 'cancelled'));
      onProgress?.(content.byteLength);
      return ok(content.slice());
    },
    crypto: { digest: async (bytes) => sha256Bytes(bytes) },
    clock: { monotonic: () => looks.shift() ?? milliseconds(0) },
    handOver: (bytes) => new Uint8Array(bytes),
  });
  return { api, stored, abort };
};

const loaded = (from: string) => ({
  kind: 'observe',
  name: 'model_load_seconds',
  value: 0.25,
  labels: { model: 'tiny', from },
});

describe('the model worker', () => {
  it('hands over what has the hash, and tells of progress', async () => {
    const { api } = createApi('storage');
    const progress: number[] = [];
    const { result, noticed } = await api.load(model, (loaded) => void progress.push(loaded));
    expect(result).toEqual(ok(content));
    expect(progress.at(-1)).toBe(content.byteLength);
    expect(noticed).toEqual([
      { kind: 'count', name: 'cache_misses_total', value: 1, labels: { cache: 'models' } },
      loaded('network'),
    ]);
    expect((await api.load(model, () => {})).noticed).toContainEqual(loaded('storage'));
  });

  it('says with the answer what it noticed, once', async () => {
    const { api, stored } = createApi('storage');
    stored.set(model.sha256, utf8('other bytes'));
    const damaged = await api.load(model, () => {});
    expect(damaged.result).toEqual(ok(content));
    expect(damaged.noticed).toContainEqual({
      kind: 'count',
      name: 'model_files_damaged_total',
      value: 1,
      labels: { where: 'storage' },
    });
    expect((await api.load(model, () => {})).noticed).toEqual([
      { kind: 'count', name: 'cache_hits_total', value: 1, labels: { cache: 'models' } },
      loaded('storage'),
    ]);
  });

  it('keeps in memory what storage refuses, and hands it over twice', async () => {
    const { api } = createApi('nowhere');
    const first = await api.load(model, () => {});
    expect(first.noticed).toContainEqual(expect.objectContaining({ kind: 'log', level: 'warn' }));
    expect((await api.load(model, () => {})).result).toEqual(ok(content));
  });

  it('stops when the page aborts', async () => {
    const { api, abort } = createApi('storage');
    abort.abort();
    expect((await api.load(model, () => {})).result).toMatchObject({ error: { code: 'cancelled' } });
  });
});
