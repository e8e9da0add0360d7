import { concatBytes } from '../../../core/bytes.ts';
import { err, type Fault, fault, ok, type Result } from '../../../core/result.ts';
import { encodeBlock } from '../block.ts';
import { tiersOf } from '../buckets.ts';
import type { Row } from '../seriesIdentity.ts';
import { type StoredView, toleranceMs } from '../storedView.ts';
import type { AnalyticsFault, SavedFile, SaveFormat } from '../types.ts';
import { cborHead, cborRow, readCborFile } from './cbor.ts';
import { type FileContent, type FileHead, fileHead, isNewerFile } from './content.ts';
import { jsonEnd, jsonHead, jsonRow, readJson } from './json.ts';

/** A database as a file, and back. The real one runs in a worker and is loaded when it is first asked. */
export interface SqliteCodec {
  write(head: FileHead, rows: readonly Row[]): Promise<Result<Uint8Array, Fault>>;
  /** Whatever the bytes are: what can't be read is said in `lost`. */
  read(
    bytes: Uint8Array,
  ): Promise<Result<FileContent & { readonly head: FileHead | undefined }, Fault<'malformed' | 'storage'>>>;
}
export interface Gzip {
  compress(bytes: Uint8Array): Promise<Uint8Array>;
  /** Stops at `maxBytes`. `damage`: why there is not all of it; what came out before is given. */
  decompress(
    bytes: Uint8Array,
    maxBytes: number,
  ): Promise<{ readonly bytes: Uint8Array; readonly damage?: 'too-large' | 'damaged' }>;
}

/** All that is stored, in every tier. */
export const writeFile = async (
  deps: {
    readonly view: StoredView;
    readonly sqlite: SqliteCodec;
    readonly gzip: Gzip;
    readonly pause: () => Promise<void>;
  },
  options: {
    readonly format: SaveFormat;
    readonly compress: boolean;
    readonly now: number;
    readonly maxBytes: number;
  },
): Promise<Result<SavedFile, AnalyticsFault>> => {
  const { format, now, maxBytes } = options;
  const rows = await allRows(deps.view, now, deps.pause);
  const head = fileHead(now, rows.length);
  const written =
    format === 'sqlite' ? await deps.sqlite.write(head, rows) : lines(format, head, rows, maxBytes);
  if (!written.ok)
    return err(fault(written.error.code === 'too-large' ? 'too-large' : 'storage', written.error.message));
  const name = `aivillage-analytics-${new Date(now).toISOString().slice(0, 19).replaceAll(':', '-')}.${format}`;
  if (!options.compress) return ok({ name, type: types[format], bytes: written.value });
  return ok({ name: `${name}.gz`, type: 'application/gzip', bytes: await deps.gzip.compress(written.value) });
};

/** Says the format from the bytes, whatever the file is called. */
export const readFile = async (
  bytes: Uint8Array,
  deps: {
    readonly sqlite: SqliteCodec;
    readonly gzip: Gzip;
    readonly maxFileBytes: number;
    readonly maxUnpackedBytes: number;
  },
): Promise<Result<FileContent & { readonly format: SaveFormat }, AnalyticsFault>> => {
  const unpacked = await unpack(bytes, deps);
  if (!unpacked.ok) return unpacked;
  const { plain, lost } = unpacked.value;
  const format = formatOf(plain);
  const content =
    format === 'sqlite'
      ? await readSqlite(plain, deps.sqlite)
      : ok(format === 'json' ? readJson(plain) : readCborFile(plain));
  if (!content.ok) return content;
  if (!content.value) return err(fault('malformed', 'the file holds no measurements of this page'));
  const { head, rows, lost: damaged } = content.value;
  if (head && isNewerFile(head))
    return err(fault('newer', 'the file was saved by a newer version of this page: reload this tab'));
  return ok({ format, rows, lost: [...lost, ...damaged] });
};

const types: Readonly<Record<SaveFormat, string>> = {
  json: 'application/json',
  cbor: 'application/cbor-seq',
  sqlite: 'application/vnd.sqlite3',
};

const allRows = async (view: StoredView, now: number, pause: () => Promise<void>): Promise<Row[]> => {
  const rows: Row[] = [];
  const end = now + toleranceMs;
  for (const series of await view.series('hour', 0, end)) {
    for (const tier of tiersOf(series.kind)) {
      const buckets = await view.read(series.key, tier, 0, end);
      if (buckets.length > 0) rows.push({ ...series, tier, block: encodeBlock(tier, buckets) });
    }
    await pause();
  }
  return rows;
};

const lines = (
  format: 'json' | 'cbor',
  head: FileHead,
  rows: readonly Row[],
  maxBytes: number,
): Result<Uint8Array, Fault> => {
  const parts = [format === 'json' ? jsonHead(head) : cborHead(head)];
  let bytes = 0;
  for (const [i, row] of rows.entries()) {
    const part = format === 'json' ? jsonRow(row, i === 0) : cborRow(row);
    bytes += part.byteLength;
    if (bytes > maxBytes)
      return err(
        fault(
          'too-large',
          `as ${format} it has more than ${maxBytes} bytes: save it as sqlite or cbor, or keep less`,
        ),
      );
    parts.push(part);
  }
  return ok(concatBytes(...parts, ...(format === 'json' ? [jsonEnd] : [])));
};

const unpack = async (
  bytes: Uint8Array,
  deps: { readonly gzip: Gzip; readonly maxFileBytes: number; readonly maxUnpackedBytes: number },
): Promise<Result<{ readonly plain: Uint8Array; readonly lost: readonly string[] }, AnalyticsFault>> => {
  if (bytes.byteLength > deps.maxFileBytes)
    return err(
      fault('too-large', `the file has ${bytes.byteLength} bytes, at most ${deps.maxFileBytes} are read`),
    );
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return ok({ plain: bytes, lost: [] });
  const { bytes: plain, damage } = await deps.gzip.decompress(bytes, deps.maxUnpackedBytes);
  if (damage === 'too-large')
    return err(fault('too-large', `the file unpacks to more than ${deps.maxUnpackedBytes} bytes`));
  return ok({
    plain,
    lost: damage ? ['the compressed file is cut or damaged: only its beginning could be read'] : [],
  });
};

const sqliteMagic = 'SQLite format 3\0';
const formatOf = (bytes: Uint8Array): SaveFormat => {
  const start = String.fromCharCode(...bytes.subarray(0, sqliteMagic.length));
  if (start === sqliteMagic) return 'sqlite';
  return start
    .replace(/^\u00ef\u00bb\u00bf/, '')
    .trimStart()
    .startsWith('{')
    ? 'json'
    : 'cbor';
};

const readSqlite = async (bytes: Uint8Array, sqlite: SqliteCodec) => {
  const read = await sqlite.read(bytes);
  return read.ok ? read : err(fault(read.error.code, read.error.message));
};
