import type { Database, PreparedStatement } from '@sqlite.org/sqlite-wasm';
import { parseWith } from '../src/core/schema.ts';
import { decodeBlock, encodeBlock } from '../src/observability/analytics/block.ts';
import { byTime, pointBucket, type StoredBucket, tiersOf } from '../src/observability/analytics/buckets.ts';
import {
  checkRow,
  type FileContent,
  type FileHead,
  type FileRow,
  headSchema,
} from '../src/observability/analytics/files/content.ts';
import type { Row } from '../src/observability/analytics/seriesIdentity.ts';
import type { Tier } from '../src/observability/analytics/types.ts';
import { decodeSketch } from '../src/observability/metrics/sketch.ts';

/**
 * The tables of a saved database, made to be asked by hand:
 *
 *     SELECT datetime(at / 1000, 'unixepoch'), value FROM points JOIN series ON series.id = points.series
 *     WHERE series.key = 'tasks_done_total' ORDER BY at;
 *
 * `at` is milliseconds since 1970. `points` has counters (what was added since the point before) and gauges as recorded;
 * `buckets` has every series per minute and hour, `sketch` being the CBOR of a DDSketch for histograms. `head` is one line of JSON.
 */
const tables = {
  head: 'CREATE TABLE head (json TEXT NOT NULL)',
  series:
    'CREATE TABLE series (id INTEGER PRIMARY KEY, key TEXT NOT NULL, name TEXT NOT NULL, labels TEXT NOT NULL, kind TEXT NOT NULL)',
  points:
    'CREATE TABLE points (series INTEGER NOT NULL, at INTEGER NOT NULL, copy INTEGER NOT NULL, value REAL NOT NULL, PRIMARY KEY (series, at, copy)) WITHOUT ROWID',
  buckets:
    'CREATE TABLE buckets (series INTEGER NOT NULL, tier TEXT NOT NULL, at INTEGER NOT NULL, count INTEGER NOT NULL, sum REAL NOT NULL, min REAL NOT NULL, max REAL NOT NULL, last REAL NOT NULL, last_at INTEGER NOT NULL, sketch BLOB, PRIMARY KEY (series, tier, at)) WITHOUT ROWID',
} as const;

/** Throws SQLite's errors. */
export const writeRows = (database: Database, head: FileHead, rows: readonly Row[]): void => {
  for (const sql of Object.values(tables)) database.exec(sql);
  database.exec('BEGIN');
  database.exec({ sql: 'INSERT INTO head VALUES (?)', bind: [JSON.stringify(head)] });
  const points = database.prepare('INSERT INTO points VALUES (?, ?, ?, ?)');
  const buckets = database.prepare('INSERT INTO buckets VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  try {
    const ids = new Map<string, number>();
    for (const row of rows) {
      const id = ids.get(row.key) ?? ids.size + 1;
      if (!ids.has(row.key)) insertSeries(database, id, row);
      ids.set(row.key, id);
      insertRow(row.tier === 'raw' ? points : buckets, id, row);
    }
  } finally {
    points.finalize();
    buckets.finalize();
  }
  database.exec('COMMIT');
};

const insertSeries = (database: Database, id: number, { key, name, labels, kind }: Row): void => {
  database.exec({
    sql: 'INSERT INTO series VALUES (?, ?, ?, ?, ?)',
    bind: [id, key, name, JSON.stringify(labels), kind],
  });
};

const insertRow = (statement: PreparedStatement, id: number, { tier, block }: Row): void => {
  const read = decodeBlock(tier, block);
  let before: StoredBucket | undefined;
  let copy = 0;
  for (const bucket of read.ok ? read.value : []) {
    const { at, count, sum, min, max, last, lastAt, sketch } = bucket;
    copy = before?.at === at ? copy + 1 : 0;
    before = bucket;
    statement
      .bind(
        tier === 'raw'
          ? [id, at, copy, last]
          : [id, tier, at, count, sum, min, max, last, lastAt, sketch?.encode() ?? null],
      )
      .stepReset();
  }
};

/** Undefined: not our tables. What can't be read or believed is left out, series by series, and counted. Throws SQLite's errors. */
export const readRows = (
  database: Database,
): (FileContent & { readonly head: FileHead | undefined }) | undefined => {
  if (!hasOurTables(database)) return undefined;
  const head = readHead(database);
  const rows: FileRow[] = [];
  const lost: string[] = [];
  for (const { id, name, labels, kind } of readSeries(database, lost)) {
    for (const tier of tiersOf(kind === 'histogram' ? 'histogram' : 'gauge')) {
      const { buckets, problem } = readBuckets(database, id, tier);
      if (problem) lost.push(`${name}: ${tier}s after the first ${buckets.length} (${problem})`);
      if (buckets.length === 0) continue;
      const row = checkRow({ name, labels, kind, tier, block: encodeBlock(tier, buckets.sort(byTime)) });
      if (row) rows.push(row);
      else lost.push(`${name}: its ${tier}s contradict themselves`);
    }
  }
  const missing = (head?.rows ?? 0) - rows.length;
  if (missing > 0 && lost.length === 0) lost.push(`${missing} parts that the file should have are not there`);
  return { head, rows, lost: lost.map((text) => text.slice(0, 200)).slice(0, 100) };
};

const hasOurTables = (database: Database): boolean => {
  const found = database.selectArrays('SELECT type, name, sql FROM sqlite_schema LIMIT 10');
  const expected = Object.entries(tables);
  return (
    found.length === expected.length &&
    expected.every(([name, sql]) =>
      found.some((entry) => entry[0] === 'table' && entry[1] === name && entry[2] === sql),
    )
  );
};

const readHead = (database: Database): FileHead | undefined => {
  try {
    const text = database.selectValue('SELECT json FROM head LIMIT 1');
    const head = parseWith(headSchema, JSON.parse(String(text)));
    return head.ok ? head.value : undefined;
  } catch {
    return undefined;
  }
};

const mostSeries = 10_000;
type SeriesLine = {
  readonly id: number;
  readonly name: string;
  readonly labels: unknown;
  readonly kind: unknown;
};

const readSeries = (database: Database, lost: string[]): SeriesLine[] => {
  const { lines, problem } = readLines(
    database,
    `SELECT id, name, labels, kind FROM series LIMIT ${mostSeries}`,
    [],
  );
  if (problem) lost.push(`series after the first ${lines.length} (${problem})`);
  return lines.flatMap(([id, name, labels, kind]) => {
    const isRead = typeof id === 'number' && typeof name === 'string' && typeof labels === 'string';
    const parsed = isRead ? parseJson(labels) : undefined;
    if (isRead && parsed !== undefined) return [{ id, name, labels: parsed, kind }];
    lost.push('a series whose name or labels are damaged');
    return [];
  });
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const mostBuckets = 2_000_000;

const readBuckets = (
  database: Database,
  series: number,
  tier: Tier,
): { readonly buckets: StoredBucket[]; readonly problem: string | undefined } => {
  const { lines, problem } =
    tier === 'raw'
      ? readLines(database, `SELECT at, value FROM points WHERE series = ? LIMIT ${mostBuckets}`, [series])
      : readLines(
          database,
          `SELECT at, count, sum, min, max, last, last_at, sketch FROM buckets WHERE series = ? AND tier = ? LIMIT ${mostBuckets}`,
          [series, tier],
        );
  const buckets = lines.map(toBucket).filter((bucket) => bucket !== undefined);
  const left = lines.length - buckets.length;
  return { buckets, problem: problem ?? (left > 0 ? `${left} of its lines are damaged` : undefined) };
};

/** The lines up to the first that SQLite can't read. */
const readLines = (
  database: Database,
  sql: string,
  bind: readonly (string | number)[],
): { readonly lines: unknown[][]; readonly problem: string | undefined } => {
  const lines: unknown[][] = [];
  let statement: PreparedStatement | undefined;
  try {
    statement = database.prepare(sql);
    if (bind.length > 0) statement.bind([...bind]);
    while (statement.step()) lines.push(statement.get([]));
    return { lines, problem: undefined };
  } catch (cause) {
    return { lines, problem: cause instanceof Error ? cause.message : String(cause) };
  } finally {
    statement?.finalize();
  }
};

const toBucket = (line: readonly unknown[]): StoredBucket | undefined => {
  const [at, ...others] = line;
  if (!isTime(at)) return undefined;
  if (line.length === 2) return isNumber(others[0]) ? pointBucket(at, others[0]) : undefined;
  const [count, sum, min, max, last, lastAt, sketch] = others;
  if (
    !isNumber(count) ||
    !isNumber(sum) ||
    !isNumber(min) ||
    !isNumber(max) ||
    !isNumber(last) ||
    !isTime(lastAt)
  )
    return undefined;
  const read = sketch instanceof Uint8Array ? decodeSketch(sketch) : undefined;
  return { at, count, sum, min, max, last, lastAt, ...(read?.ok && { sketch: read.value }) };
};

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isTime = (value: unknown): value is number =>
  Number.isSafeInteger(value) && isNumber(value) && value >= 0;
