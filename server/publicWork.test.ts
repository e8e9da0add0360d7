import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { unwrap } from '../src/core/result.ts';
import type { Log } from './log.ts';
import { openPublicWork, publicWorkLimits } from './publicWork.ts';
import { startServer } from './server.ts';
import { testConfig } from './testDoubles.ts';

let root: string;
let folder: string;
let count = 0;
const logged: string[] = [];
const log: Log = (level, message) => void logged.push(`${level}: ${message}`);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'aivillage-pages-'));
});
afterAll(() => rm(root, { recursive: true }));
beforeEach(async () => {
  logged.length = 0;
  folder = join(root, `pages ${count++}`);
  await mkdir(folder);
});

const png = (text: string) => Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.from(text)]);
const jpeg = (text: string) => Buffer.concat([Buffer.from('ffd8ffe0', 'hex'), Buffer.from(text)]);
const webp = (text: string) => Buffer.from(`RIFF....WEBP${text}`);
const hashOf = (content: Buffer) => createHash('sha256').update(content).digest('hex');
const put = (name: string, content: Buffer) => writeFile(join(folder, name), content);
const open = (...folders: readonly string[]) => openPublicWork({ log }, folders);
const problemsOf = async (...folders: readonly string[]) => {
  const opened = await open(...folders);
  return opened.ok ? [] : opened.error;
};

describe('the pages of a folder', () => {
  it('are listed by name, with what they are told by', async () => {
    await put('b.png', png('two'));
    await put('a10.jpg', jpeg('ten'));
    await put('a9.webp', webp('nine'));
    await put('.DS_Store', Buffer.from('not a page'));
    const work = unwrap(await open(folder));
    const list = await work.answer('/public-work/list');
    expect(JSON.parse(String(list?.body))).toEqual({
      v: 1,
      lists: [
        {
          name: folder.split('/').at(-1),
          inputs: [
            { sha256: hashOf(jpeg('ten')), bytes: 7, type: 'image/jpeg' },
            { sha256: hashOf(webp('nine')), bytes: 16, type: 'image/webp' },
            { sha256: hashOf(png('two')), bytes: 11, type: 'image/png' },
          ],
        },
      ],
    });
    expect(work.pages).toBe(3);
    expect(logged.join()).toContain('safest as PNG');
  });

  it('are served by their hash, for ever', async () => {
    await put('a.png', png('one'));
    await put('b.png', png('two'));
    const work = unwrap(await open(folder));
    expect(await work.answer(`/public-work/${hashOf(png('two'))}`)).toMatchObject({
      status: 200,
      type: 'image/png',
      body: png('two'),
      headers: { 'Cache-Control': expect.stringContaining('immutable') },
    });
    expect(await work.answer(`/public-work/${hashOf(png('three'))}`)).toBeUndefined();
    expect(await work.answer('/public-work/../a.png')).toBeUndefined();
    expect(logged).toEqual([]);
  });

  it.each([
    ['changed, with the same length', (path: string) => writeFile(path, png('uno'))],
    ['cut', (path: string) => truncate(path, 3)],
    ['gone', (path: string) => rm(path)],
  ])('that were %s are not served', async (_, change) => {
    await put('a.png', png('one'));
    await put('b.png', png('two'));
    const work = unwrap(await open(folder));
    await change(join(folder, 'a.png'));
    expect(await work.answer(`/public-work/${hashOf(png('one'))}`)).toMatchObject({ status: 503 });
    expect(logged).toEqual(['error: a page of public work is not what was listed']);
    expect(await work.answer(`/public-work/${hashOf(png('two'))}`)).toMatchObject({ status: 200 });
  });

  it('need not be there at all', async () => {
    const work = unwrap(await open());
    expect(JSON.parse(String((await work.answer('/public-work/list'))?.body))).toEqual({ v: 1, lists: [] });
  });
});

describe('a folder is refused', () => {
  it('with every reason at once', async () => {
    await put('a.png', png('one'));
    await put('b.png', png('one'));
    await put('notes.txt', Buffer.from('buy milk'));
    await mkdir(join(folder, 'more'));
    await symlink('a.png', join(folder, 'link.png'));
    expect(await problemsOf(folder)).toEqual([
      expect.stringContaining('link.png is no file'),
      expect.stringContaining('more is no file'),
      expect.stringContaining('notes.txt is no PNG, JPEG or WebP image'),
    ]);
  });

  it('if a page is there twice, in another folder as well', async () => {
    await put('a.png', png('one'));
    await put('b.png', png('two'));
    expect(await problemsOf(folder, folder)).toHaveLength(2);
  });

  it('if it has too few pages, or can’t be read', async () => {
    await put('a.png', png('one'));
    expect((await problemsOf(folder))[0]).toMatch(
      /AIVILLAGE_PUBLIC_WORK: .* has 1 pages, a list has 2 to 4096/,
    );
    expect((await problemsOf(join(root, 'nowhere')))[0]).toContain("can't be read");
  });

  it('if a file is larger than tabs would take', async () => {
    await put('a.png', png('one'));
    await put('b.png', png('two'));
    await truncate(join(folder, 'b.png'), publicWorkLimits.maxFileBytes + 1); // sparse
    expect((await problemsOf(folder))[0]).toContain('b.png has 33554433 bytes, at most 33554432');
  });
});

it('a host serves them, and does not start with a folder that it can not serve', async () => {
  await put('a.png', png('one'));
  await put('b.png', png('two'));
  const deps = { log: () => {}, clientFolder: join(root, 'no client') };
  const server = await startServer({ ...testConfig, publicWork: [folder] }, deps);
  try {
    const base = `http://127.0.0.1:${server.port}/public-work`;
    expect((await (await fetch(`${base}/list`)).json()).lists[0].inputs).toHaveLength(2);
    const page = await fetch(`${base}/${hashOf(png('one'))}`);
    expect(Buffer.from(await page.arrayBuffer())).toEqual(png('one'));
    expect(page.headers.get('content-type')).toBe('image/png');
    expect((await fetch(`${base}/${'0'.repeat(64)}`)).status).toBe(404);
  } finally {
    await server.close();
  }
  await expect(startServer({ ...testConfig, publicWork: [join(root, 'x')] }, deps)).rejects.toThrow(
    "can't be read",
  );
});
