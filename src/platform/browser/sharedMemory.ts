/** Whether workers may share memory, which WebAssembly's threads need. WebKitGTK isolates pages and has no such memory. */
export const sharesMemory = (): boolean =>
  globalThis.crossOriginIsolated && 'SharedArrayBuffer' in globalThis;
