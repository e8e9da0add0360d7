import { describe, expect, it } from 'vitest';
import { utf8 } from '../src/core/bytes.ts';
import { createImageApi } from './imageApi.ts';

const api = createImageApi(() => ({ signal: new AbortController().signal, step: async () => {} }));

const unreadable = (size: number): Blob =>
  Object.defineProperties(new Blob([]), {
    size: { value: size },
    arrayBuffer: { value: () => Promise.reject(new Error('NotReadableError')) },
  });

describe('the image worker', () => {
  it.each([
    ['empty', new Blob([])],
    ['not-an-image', new Blob(['just words'])],
    ['unsupported', new Blob([utf8('GIF89a')])],
  ])('refuses a file that is %s, for opening and for cutting', async (code, file) => {
    expect(await api.openPage(file)).toMatchObject({ ok: false, error: { code } });
    expect(await api.cropLines(file, [])).toMatchObject({ ok: false, error: { code } });
  });

  it('says that a file is gone when it can not be read any more', async () => {
    const answer = await api.openPage(unreadable(5));
    expect(answer).toMatchObject({ error: { code: 'damaged', message: expect.stringContaining('moved') } });
  });

  it('does not read a file of half a gigabyte', async () => {
    expect(await api.openPage(unreadable(500_000_000))).toMatchObject({ error: { code: 'too-large' } });
  });
});
