import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Bytes, utf8 } from '../../core/bytes.ts';
import { unwrap } from '../../core/result.ts';
import { openLevelStore } from './levelStore.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aivillage-level-'));
});
afterEach(() => rm(folder, { recursive: true }));

const open = async () => unwrap(await openLevelStore(folder));
const put = (key: string, text: string) => ({ kind: 'put' as const, key, value: utf8(text) });
const texts = (entries: readonly (readonly [string, Bytes])[]) =>
  entries.map(([key, value]) => `${key}=${new TextDecoder().decode(value)}`);

describe('a store in a folder', () => {
  it('gives what was put, replaced and deleted, after it was opened again, too', async () => {
    const store = await open();
    await store.write([put('a', '1'), put('b', '2'), put('a', '3'), { kind: 'delete', key: 'b' }], true);
    await store.close();
    const again = await open();
    expect(texts(await again.range('', '~'))).toEqual(['a=3']);
    expect(await again.get('b')).toBeUndefined();
    await again.close();
  });

  it('lists a range in the order of keys, up to a limit', async () => {
    const store = await open();
    await store.write(
      ['block/2', 'block/1', 'other', 'block/3'].map((key) => put(key, key)),
      false,
    );
    expect((await store.range('block/', 'block/~')).map(([key]) => key)).toEqual([
      'block/1',
      'block/2',
      'block/3',
    ]);
    expect((await store.range('block/2', 'block/~', 1)).map(([key]) => key)).toEqual(['block/2']);
    expect((await store.last('block/', 'block/~'))?.[0]).toBe('block/3');
    expect(await store.last('none/', 'none/~')).toBeUndefined();
    await store.close();
  });

  it('keeps bytes, not the buffer they came in', async () => {
    const store = await open();
    const value = utf8('first');
    await store.write([{ kind: 'put', key: 'k', value }], true);
    value.fill(0);
    expect(texts(await store.range('k', 'l'))).toEqual(['k=first']);
    await store.close();
  });

  it('is closed twice without harm, and refuses to write then', async () => {
    const store = await open();
    await store.close();
    await store.close();
    await expect(store.write([put('a', '1')], true)).rejects.toThrow();
  });

  it('belongs to one at a time', async () => {
    const store = await open();
    expect(await openLevelStore(folder)).toMatchObject({ ok: false, error: { code: 'locked' } });
    await store.close();
  });

  it('says so if its files are not whole', async () => {
    await (await open()).close();
    for (const name of await readdir(folder)) if (name.startsWith('MANIFEST')) await rm(join(folder, name));
    expect(await openLevelStore(folder)).toMatchObject({ ok: false, error: { code: 'damaged' } });
    await truncate(join(folder, 'CURRENT'));
    expect(await openLevelStore(folder)).toMatchObject({ ok: false, error: { code: 'damaged' } });
  });

  it('says so if there is a file in its place', async () => {
    const path = join(folder, 'file');
    await writeFile(path, '');
    expect(await openLevelStore(path)).toMatchObject({ ok: false, error: { code: 'unreachable' } });
  });
});
