import type { Database, PreparedStatement, Sqlite3Static } from '@sqlite.org/sqlite-wasm';
import { err, type Fault, fault, ok, type Result } from '../src/core/result.ts';
import type { FileContent, FileHead } from '../src/observability/analytics/files/content.ts';
import { schemaVersion } from '../src/observability/analytics/records.ts';
import { readRows, writeRows } from './analyticsTables.ts';
import type { AnalyticsWorkerApi } from './protocol.ts';

export type AnalyticsApiDeps = {
  /** Loads SQLite's WebAssembly; called when somebody asks for a database, once. */
  loadSqlite(): Promise<Sqlite3Static>;
};

/**
 * Databases that live in memory as long as a call. A stranger's file gets no chance to run anything: unless its tables are
 * to the letter those of `analyticsTables.ts`, it is not read at all.
 */
export const createAnalyticsApi = ({ loadSqlite }: AnalyticsApiDeps): AnalyticsWorkerApi => {
  let loading: Promise<Sqlite3Static> | undefined;
  const withSqlite = async <Value, Code extends string>(
    work: (sqlite: Sqlite3Static) => Result<Value, Fault<Code>>,
  ): Promise<Result<Value, Fault<Code | 'storage'>>> => {
    try {
      loading ??= loadSqlite();
      return work(await loading);
    } catch (cause) {
      loading = undefined;
      return err(fault('storage', `SQLite did not work: ${messageOf(cause)}`));
    }
  };
  return {
    write: (head, rows) =>
      withSqlite((sqlite) => {
        const database = new sqlite.oo1.DB(':memory:');
        try {
          writeRows(database, head, rows);
          return ok(sqlite.capi.sqlite3_js_db_export(database));
        } finally {
          database.close();
        }
      }),
    read: (bytes) =>
      withSqlite((sqlite) => {
        const database = openBytes(sqlite, bytes);
        if (!database) return err(fault('malformed', 'the file is no SQLite database'));
        try {
          return readDatabase(database);
        } finally {
          database.close();
        }
      }),
  };
};

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

const openBytes = (sqlite: Sqlite3Static, bytes: Uint8Array): Database | undefined => {
  const { capi, wasm } = sqlite;
  const database = new sqlite.oo1.DB(':memory:');
  const pointer = database.pointer;
  if (pointer === undefined) return undefined;
  const code = capi.sqlite3_deserialize(
    pointer,
    'main',
    wasm.allocFromTypedArray(bytes),
    bytes.byteLength,
    bytes.byteLength,
    capi.SQLITE_DESERIALIZE_FREEONCLOSE | capi.SQLITE_DESERIALIZE_READONLY,
  );
  if (code === 0) return database;
  database.close();
  return undefined;
};

const readDatabase = (
  database: Database,
): Result<FileContent & { readonly head: FileHead | undefined }, Fault<'malformed'>> => {
  const problems = integrityOf(database);
  try {
    database.exec('PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON');
    const content = readRows(database);
    if (!content)
      return err(fault('malformed', `its tables are not those of a saved file of version ${schemaVersion}`));
    return ok({ ...content, lost: [...problems, ...content.lost] });
  } catch (cause) {
    return err(fault('malformed', `its tables can't be read: ${messageOf(cause)}`));
  }
};

/** What SQLite itself says of the file, in at most three findings. */
const integrityOf = (database: Database): string[] => {
  let statement: PreparedStatement | undefined;
  try {
    statement = database.prepare('PRAGMA integrity_check(3)');
    const found: string[] = [];
    while (statement.step()) found.push(String(statement.get(0)));
    return found
      .filter((finding) => finding !== 'ok')
      .map((finding) => `SQLite says: ${finding.slice(0, 200)}`);
  } catch (cause) {
    return [`SQLite says: ${messageOf(cause).slice(0, 200)}`];
  } finally {
    statement?.finalize();
  }
};
