/** What the service worker keeps besides the shell, decided by name alone. Pure; knows neither caches nor requests. */

/**
 * The bundler's hashed files that are not in the shell: the runtime's WebAssembly. Not the models and their dictionary:
 * the page keeps those itself, verified and by content hash, and 15 MB twice would be a waste. Not source maps.
 */
export const isKeptAsset = (pathname: string): boolean =>
  pathname.startsWith('/assets/') && !/\.(onnx|txt|map)$/.test(pathname);

/** The same file of another build: equal but for the 8 characters of hash before the extension. */
export const isOtherVersion = (pathname: string, other: string): boolean =>
  pathname !== other && withoutHash(pathname) === withoutHash(other);

const withoutHash = (pathname: string): string => pathname.replace(/-[\w-]{8}(?=\.[^./]+$)/, '');
