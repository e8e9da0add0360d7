import { milliseconds } from '../../core/brand.ts';
import type { Timers } from '../../core/ports/timers.ts';

/**
 * Safari reads the file some time after the click, on iPhones only when the person has said "Download": without its address
 * nothing is saved ("WebKitBlobResource error 1"). No event tells when it was read.
 */
const keptFor = milliseconds(60_000);

/** Hands a file to the browser's downloads. */
export const saveFile = (timers: Pick<Timers, 'after'>, file: Blob, name: string): void => {
  const url = URL.createObjectURL(file);
  const anchor = document.createElement('a');
  anchor.href = url;
  anchor.download = name;
  document.body.append(anchor);
  anchor.click();
  anchor.remove();
  timers.after(keptFor, () => URL.revokeObjectURL(url));
};

/** A file that the app has made. */
export const saveBytes = (
  timers: Pick<Timers, 'after'>,
  file: { readonly name: string; readonly type: string; readonly bytes: Uint8Array },
): void => saveFile(timers, new Blob([new Uint8Array(file.bytes)], { type: file.type }), file.name);

/**
 * Whether the text is on the clipboard now; a browser may refuse without a secure context or permission. Call it in the answer to
 * a press, before anything is awaited: Safari refuses later calls, so text that has to be made first is given as a promise.
 */
export const copyText = async (text: string | Promise<string>): Promise<boolean> => {
  try {
    if (typeof text === 'string') await navigator.clipboard.writeText(text);
    else await navigator.clipboard.write([new ClipboardItem({ 'text/plain': text.then(asPlainText) })]);
    return true;
  } catch {
    return false;
  }
};

const asPlainText = (text: string): Blob => new Blob([text], { type: 'text/plain' });
