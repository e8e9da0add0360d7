import { describe, expect, it, vi } from 'vitest';
import { createImportedKeys } from './importedKeys.ts';

const key = (first: number) => new Uint8Array(32).fill(first);

describe('imported keys', () => {
  it('are made once for each key, whichever bytes hold it', async () => {
    const importKey = vi.fn(async (raw: Uint8Array) => ({ first: raw[0] }));
    const imported = createImportedKeys(importKey);
    expect(await imported(key(1))).toBe(await imported(key(1)));
    expect(await imported(key(2))).toEqual({ first: 2 });
    expect(importKey).toHaveBeenCalledTimes(2);
  });

  it('are forgotten when there are too many, the oldest first', async () => {
    const importKey = vi.fn(async (raw: Uint8Array) => ({ first: raw[0] }));
    const imported = createImportedKeys(importKey, 2);
    for (const first of [1, 2, 3, 2, 3, 1]) await imported(key(first));
    expect(importKey.mock.calls.map(([raw]) => raw[0])).toEqual([1, 2, 3, 1]);
  });

  it('that are none stay a failure, and displace nothing', async () => {
    const imported = createImportedKeys(async (raw) => {
      if (raw[0] === 0) throw new Error('no point on the curve');
      return { first: raw[0] };
    }, 1);
    const good = await imported(key(1));
    await expect(imported(key(0))).rejects.toThrow('no point');
    await expect(imported(key(0))).rejects.toThrow('no point');
    expect(await imported(key(1))).toBe(good);
  });
});
