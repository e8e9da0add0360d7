import { afterEach, expect, it, vi } from 'vitest';
import { saveFile } from './saveFile.ts';

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

it('keeps a file’s address while Safari asks whether to download it, and not for ever', () => {
  const anchor = { href: '', download: '', click: vi.fn(), remove: vi.fn() };
  vi.stubGlobal('document', { createElement: () => anchor, body: { append: vi.fn() } });
  vi.spyOn(URL, 'createObjectURL').mockReturnValue('blob:1');
  const revoked = vi.spyOn(URL, 'revokeObjectURL').mockReturnValue();
  const after = vi.fn(() => () => {});

  saveFile({ after }, new Blob(['key']), 'key.txt');
  expect(anchor).toMatchObject({ href: 'blob:1', download: 'key.txt' });
  expect(anchor.click).toHaveBeenCalledOnce();
  expect(revoked).not.toHaveBeenCalled();
  const [delay, later] = after.mock.calls[0] as unknown as [number, () => void];
  expect(delay).toBeGreaterThan(30_000);
  later();
  expect(revoked).toHaveBeenCalledExactlyOnceWith('blob:1');
});
