import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { milliseconds } from '../../core/brand.ts';
import type { Bytes } from '../../core/bytes.ts';
import { utf8 } from '../../core/bytes.ts';
import { sha256Bytes, sha256Hex } from '../../core/hash.ts';
import { silentTelemetry, type Telemetry } from '../../core/ports/telemetry.ts';
import { err, fault, ok } from '../../core/result.ts';
import type { ModelFile } from '../contracts.ts';
import type { BlobStore, Download } from '../ports.ts';
import { settle } from '../testDoubles.ts';
import { ocrModelFiles } from './manifest.ts';
import { createModelStore } from './store.ts';

const content = utf8('the weights of a small model');
const model: ModelFile = {
  name: 'tiny',
  url: 'https://x/tiny.onnx',
  sha256: sha256Hex(content),
  bytes: content.byteLength,
};

const flipped = (bytes: Bytes): Bytes => {
  const copy = bytes.slice();
  copy[3] = (copy[3] ?? 0) ^ 1;
  return copy;
};

const createRig = (change: { blobs?: Partial<BlobStore>; served?: Bytes[]; download?: Download } = {}) => {
  const stored = new Map<string, Bytes>();
  const fetches: { fresh: boolean }[] = [];
  const warnings: string[] = [];
  const served = [...(change.served ?? [])];
  const telemetry: Telemetry = {
    ...silentTelemetry,
    log: (level, _component, message) => void (level === 'warn' && warnings.push(message)),
  };
  const store = createModelStore({
    blobs: {
      get: async (sha256) => stored.get(sha256),
      async put(sha256, bytes) {
        stored.set(sha256, bytes);
        return ok(undefined);
      },
      async delete(sha256) {
        stored.delete(sha256);
      },
      ...change.blobs,
    },
    download:
      change.download ??
      (async (_url, options) => {
        fetches.push({ fresh: options.fresh === true });
        options.onProgress?.(content.byteLength);
        return ok(served.shift() ?? content);
      }),
    crypto: { digest: async (bytes) => sha256Bytes(bytes) },
    clock: { monotonic: () => milliseconds(0) },
    telemetry,
  });
  return { store, stored, fetches, warnings };
};

describe('the model store', () => {
  it('fetches once and reads from storage afterwards', async () => {
    const { store, fetches } = createRig();
    const progress: number[] = [];
    expect(await store.load(model, { onProgress: (loaded) => progress.push(loaded) })).toEqual(ok(content));
    expect(await store.load(model)).toEqual(ok(content));
    expect(fetches).toEqual([{ fresh: false }]);
    expect(progress).toEqual([content.byteLength]);
  });

  it('drops a stored file with one flipped byte and fetches it once more, past the caches', async () => {
    const { store, stored, fetches, warnings } = createRig();
    stored.set(model.sha256, flipped(content));
    expect(await store.load(model)).toEqual(ok(content));
    expect(fetches).toEqual([{ fresh: true }]);
    expect(stored.get(model.sha256)).toEqual(content);
    expect(warnings[0]).toContain('damaged');
  });

  it('does not keep a damaged file when no other can be fetched', async () => {
    const { store, stored } = createRig({ download: async () => err(fault('unavailable', 'offline')) });
    stored.set(model.sha256, flipped(content));
    expect(await store.load(model)).toMatchObject({ error: { code: 'unavailable' } });
    expect(stored.size).toBe(0);
  });

  it('says that the file is damaged when the second fetch is damaged too, and keeps nothing', async () => {
    const { store, stored, fetches } = createRig({ served: [flipped(content), flipped(content)] });
    const result = await store.load(model);
    expect(result).toMatchObject({ ok: false, error: { code: 'corrupt' } });
    if (!result.ok) expect(result.error.message).toContain(model.sha256);
    expect(fetches).toEqual([{ fresh: false }, { fresh: true }]);
    expect(stored.size).toBe(0);
  });

  it('refuses a file of another length without hashing it', async () => {
    const { store } = createRig({ served: [content.slice(1), utf8('')] });
    expect(await store.load(model)).toMatchObject({ error: { code: 'corrupt' } });
  });

  it('works from memory, with a warning, when storage is full', async () => {
    const { store, fetches, warnings } = createRig({
      blobs: { put: async () => err(fault('full', 'the browser gives 0 bytes more')) },
    });
    expect((await store.load(model)).ok).toBe(true);
    expect(await store.load(model)).toEqual(ok(content));
    expect(fetches).toHaveLength(1);
    expect(warnings).toEqual([expect.stringContaining('memory only')]);
  });

  it('works when storage throws at every touch', async () => {
    const broken = () => Promise.reject(new Error('no storage in private windows'));
    const { store } = createRig({ blobs: { get: broken, put: broken, delete: broken } });
    expect(await store.load(model)).toEqual(ok(content));
    expect(await store.load(model)).toEqual(ok(content));
  });

  it('passes on that the server cannot be reached', async () => {
    const { store } = createRig({ download: async () => err(fault('unavailable', 'offline')) });
    expect(await store.load(model)).toEqual(err(fault('unavailable', 'offline')));
  });

  it('shares one fetch between callers; it stops when the last of them leaves', async () => {
    let signal: AbortSignal | undefined;
    const { store } = createRig({
      download: (_url, options) => {
        signal = options.signal;
        return new Promise((resolve) => {
          options.signal?.addEventListener('abort', () => resolve(err(fault('cancelled', 'aborted'))));
        });
      },
    });
    const [one, two] = [new AbortController(), new AbortController()];
    const first = store.load(model, { signal: one.signal });
    const second = store.load(model, { signal: two.signal });
    await settle();
    one.abort();
    expect(await first).toMatchObject({ error: { code: 'cancelled' } });
    expect(signal?.aborted).toBe(false);
    two.abort();
    expect(await second).toMatchObject({ error: { code: 'cancelled' } });
    expect(signal?.aborted).toBe(true);
  });

  it('starts afresh for a caller that comes right after a cancel', async () => {
    const { store, fetches } = createRig();
    const abort = new AbortController();
    const first = store.load(model, { signal: abort.signal });
    abort.abort();
    expect(await first).toMatchObject({ error: { code: 'cancelled' } });
    expect(await store.load(model)).toEqual(ok(content));
    expect(fetches.length).toBeGreaterThan(0);
  });

  it('refuses before doing anything if the signal was aborted before', async () => {
    const { store, fetches } = createRig();
    expect(await store.load(model, { signal: AbortSignal.abort() })).toMatchObject({
      error: { code: 'cancelled' },
    });
    expect(fetches).toHaveLength(0);
  });
});

describe('the manifest', () => {
  it.each(Object.values(ocrModelFiles))('names the installed file of $name', (file) => {
    const bytes = readFileSync(new URL(file.url));
    expect(bytes.byteLength).toBe(file.bytes);
    expect(sha256Hex(bytes)).toBe(file.sha256);
  });
});
