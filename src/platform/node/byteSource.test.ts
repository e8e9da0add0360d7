import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesSource } from '../../onnx/codec/bytesSource.ts';
import type { ByteSource } from '../../onnx/ir/types.ts';
import { createBlobSource } from '../browser/byteSource.ts';
import { createFileSource } from './byteSource.ts';

const content = Uint8Array.from({ length: 10_000 }, (_, index) => index % 253);
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'byte-source-'));
  await writeFile(join(folder, 'file'), content);
});
afterAll(() => rm(folder, { recursive: true }));

const adapters: Record<string, (use: (source: ByteSource) => Promise<void>) => Promise<void>> = {
  memory: (use) => use(bytesSource(content)),
  'a blob': (use) => use(createBlobSource(new Blob([content]))),
  'a file': async (use) => {
    const file = await open(join(folder, 'file'));
    try {
      await use(await createFileSource(file));
    } finally {
      await file.close();
    }
  },
};

describe.each(Object.entries(adapters))('a source over %s', (_, withSource) => {
  it('reads what is asked for, all of it and nothing', () =>
    withSource(async (source) => {
      expect(source.size).toBe(content.byteLength);
      expect(await source.read(300, 20)).toEqual(content.slice(300, 320));
      expect(await source.read(0, source.size)).toEqual(content);
      expect(await source.read(source.size, 0)).toHaveLength(0);
    }));

  it('gives bytes that are the caller’s', () =>
    withSource(async (source) => {
      (await source.read(0, 10)).fill(99);
      expect(await source.read(0, 10)).toEqual(content.slice(0, 10));
    }));

  it.each([
    [9_990, 11],
    [10_001, 1],
    [-1, 2],
    [5, -1],
  ])('refuses what is not there: %i, %i', (offset, length) =>
    withSource(async (source) => {
      await expect(source.read(offset, length)).rejects.toThrow(`${length} bytes at ${offset}`);
    }),
  );
});
