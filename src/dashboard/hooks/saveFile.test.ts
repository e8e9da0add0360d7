import { afterEach, expect, it, vi } from 'vitest';
import { copyText, saveFile } from './saveFile.ts';

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

it('asks for the clipboard before the text is there, as Safari wants it, and says when nothing came', async () => {
  const written: Promise<Blob>[] = [];
  const write = vi.fn(async ([item]: readonly { readonly text: Promise<Blob> }[]) => {
    if (item) written.push(item.text);
    await item?.text;
  });
  vi.stubGlobal('navigator', { clipboard: { write } });
  vi.stubGlobal(
    'ClipboardItem',
    class {
      readonly text: Promise<Blob>;
      constructor(items: { readonly 'text/plain': Promise<Blob> }) {
        this.text = items['text/plain'];
      }
    },
  );
  let finish = (_text: string) => {};
  const text = new Promise<string>((resolve) => {
    finish = resolve;
  });
  const copied = copyText(text);
  expect(write).toHaveBeenCalledOnce();
  finish('read');
  expect(await copied).toBe(true);
  expect(await (await written[0])?.text()).toBe('read');
  expect(await copyText(Promise.reject(new Error('gone')))).toBe(false);
});
