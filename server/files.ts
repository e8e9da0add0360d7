import { createHash } from 'node:crypto';
import { type FileHandle, open, readdir, readFile, stat } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

export type ServedFile = {
  readonly path: string;
  readonly bytes: number;
  readonly modifiedAt: number;
  readonly type: string;
  readonly etag: string;
  /** Its name carries a hash of its content, so it never changes. */
  readonly immutable: boolean;
  readonly compressible: boolean;
};

const typesByExtension: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
  '.onnx': 'application/octet-stream',
};
const compressible = /^(text|application\/(json|manifest|wasm))|svg/;

/** Vite writes a hash of the content into these names. */
const immutableFolders = ['/assets/', '/models/'];

/** Every file of a built client by URL path, read once: what is not listed is not served, so no path escapes. */
export const listFiles = async (root: string): Promise<ReadonlyMap<string, ServedFile>> => {
  const files = new Map<string, ServedFile>();
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    if (!entry.isFile() || entry.name.startsWith('.')) continue;
    const path = join(entry.parentPath, entry.name);
    const urlPath = `/${relative(root, path).split(sep).join('/')}`;
    const type = typesByExtension[extname(entry.name)] ?? 'application/octet-stream';
    const { size, mtimeMs } = await stat(path);
    files.set(urlPath, {
      path,
      bytes: size,
      modifiedAt: mtimeMs,
      type,
      etag: `"${createHash('sha256')
        .update(await readFile(path))
        .digest('base64url')
        .slice(0, 22)}"`,
      immutable: immutableFolders.some((folder) => urlPath.startsWith(folder)),
      compressible: compressible.test(type),
    });
  }
  return files;
};

/** The folder was built again under a running host: lengths and ETags from the start no longer hold. */
export class FileChangedError extends Error {}

export const openListed = async (file: ServedFile): Promise<FileHandle> => {
  const handle = await open(file.path).catch(() => {
    throw new FileChangedError(file.path);
  });
  const { size, mtimeMs } = await handle.stat();
  if (size === file.bytes && mtimeMs === file.modifiedAt) return handle;
  await handle.close();
  throw new FileChangedError(file.path);
};

export type Encoding = 'br' | 'gzip';

/** Compresses text and WebAssembly once per file and encoding. */
export const createCompressor = (): ((file: ServedFile, encoding: Encoding) => Promise<Buffer>) => {
  const resultsByKey = new Map<string, Promise<Buffer>>();
  return (file, encoding) => {
    const key = `${encoding} ${file.path}`;
    const known = resultsByKey.get(key);
    if (known) return known;
    const result = compress(file, encoding);
    resultsByKey.set(key, result);
    result.catch(() => resultsByKey.delete(key)); // the next request tries again
    return result;
  };
};

const compress = async (file: ServedFile, encoding: Encoding): Promise<Buffer> => {
  const handle = await openListed(file);
  const content = await handle.readFile().finally(() => handle.close());
  if (encoding === 'gzip') return promisify(gzip)(content, { level: 6 });
  // The best brotli takes 40 s for 27 MB of WebAssembly; level 5 takes under one and is a tenth larger.
  return promisify(brotliCompress)(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } });
};

export type ByteRange = { readonly start: number; readonly end: number };

/** RFC 9110 §14.1.2, one range; several are answered whole, which the RFC allows. `end` is inclusive. */
export const parseRange = (
  header: string | undefined,
  size: number,
): ByteRange | 'whole' | 'unsatisfiable' => {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (!match) return 'whole';
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return 'whole';
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  return start >= size || start > end ? 'unsatisfiable' : { start, end };
};
