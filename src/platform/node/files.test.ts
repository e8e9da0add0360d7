import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAtomicFiles, createBesideFiles } from './index.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'files-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('atomic files', () => {
  it('have their names when all are whole, and not before', async () => {
    const files = createAtomicFiles();
    for (const name of ['a', 'b']) {
      const { write } = await files.create(join(folder, name));
      await write(Uint8Array.of(1, 2));
      await write(Uint8Array.of(3));
    }
    expect((await readdir(folder)).sort()).toEqual(['a.part', 'b.part']);
    await files.commit();
    expect((await readdir(folder)).sort()).toEqual(['a', 'b']);
    expect([...(await readFile(join(folder, 'a')))]).toEqual([1, 2, 3]);
  });

  it('replace what has the name, or leave it as it was', async () => {
    await writeFile(join(folder, 'a'), 'before');
    const given = createAtomicFiles();
    await (await given.create(join(folder, 'a'))).write(Uint8Array.of(1));
    await given.discard();
    await given.discard();
    expect(await readFile(join(folder, 'a'), 'utf8')).toBe('before');
    const files = createAtomicFiles();
    await (await files.create(join(folder, 'a'))).write(Uint8Array.of(1));
    await files.commit();
    expect(await readdir(folder)).toEqual(['a']);
  });

  it('leave no part where a name can’t be had', async () => {
    await mkdir(join(folder, 'a'));
    await writeFile(join(folder, 'a', 'inside'), '');
    const files = createAtomicFiles();
    await files.create(join(folder, 'a'));
    await expect(files.commit()).rejects.toThrow();
    await files.discard();
    expect(await readdir(folder)).toEqual(['a']);
  });

  it('are not written by two at once', async () => {
    const [one, other] = [createAtomicFiles(), createAtomicFiles()];
    await one.create(join(folder, 'a'));
    await expect(other.create(join(folder, 'a'))).rejects.toMatchObject({ code: 'EEXIST' });
    await other.discard();
    expect(existsSync(join(folder, 'a.part'))).toBe(true);
    await one.discard();
  });
});

describe('files beside a model', () => {
  it('are read, and what isn’t there is undefined', async () => {
    await writeFile(join(folder, 'weights'), 'abc');
    const beside = createBesideFiles(join(folder, 'm.onnx'));
    await writeFile(join(folder, 'm.onnx'), '');
    expect(await (await beside.open('weights'))?.read(1, 2)).toEqual(Uint8Array.of(98, 99));
    expect(await beside.open('other')).toBeUndefined();
    expect(await beside.open('weights/below')).toBeUndefined();
    await beside.close();
  });

  it('must lie in its folder, whatever path or link says', async () => {
    const inner = join(folder, 'inner');
    await mkdir(inner);
    await writeFile(join(folder, 'secret'), 'x');
    await writeFile(join(inner, 'm.onnx'), '');
    await symlink(join(folder, 'secret'), join(inner, 'link'));
    const beside = createBesideFiles(join(inner, 'm.onnx'));
    for (const location of ['../secret', 'link', '.'])
      await expect(beside.open(location), location).rejects.toThrow(/leads out of|no file/);
    await beside.close();
  });

  it('may lie where a link to the model leads, as downloaders’ caches have it', async () => {
    for (const name of ['blobs', 'snapshot']) await mkdir(join(folder, name));
    for (const [name, blob] of [
      ['m.onnx', '1'],
      ['m.data', '2'],
    ] as const) {
      await writeFile(join(folder, 'blobs', blob), blob);
      await symlink(join('..', 'blobs', blob), join(folder, 'snapshot', name));
    }
    const beside = createBesideFiles(join(folder, 'snapshot', 'm.onnx'));
    expect((await beside.open('m.data'))?.size).toBe(1);
    await beside.close();
  });
});
