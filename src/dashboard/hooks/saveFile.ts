/** Hands a file to the browser's downloads. */
export const saveFile = (file: Blob, name: string): void => {
  const url = URL.createObjectURL(file);
  const anchor = document.createElement('a');
  anchor.href = url;
  anchor.download = name;
  document.body.append(anchor);
  anchor.click();
  anchor.remove();
  // The download holds its own reference once the click was dispatched; a frame later is safe in every browser.
  requestAnimationFrame(() => URL.revokeObjectURL(url));
};

/** A file that the app has made. */
export const saveBytes = (file: {
  readonly name: string;
  readonly type: string;
  readonly bytes: Uint8Array;
}): void => saveFile(new Blob([new Uint8Array(file.bytes)], { type: file.type }), file.name);

/** Whether the text is on the clipboard now; a browser may refuse without a secure context or permission. */
export const copyText = async (text: string): Promise<boolean> => {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
};
