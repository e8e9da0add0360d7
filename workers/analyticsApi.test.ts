import createSqlite from '@sqlite.org/sqlite-wasm';
import { describe, expect, it } from 'vitest';
import { unwrap } from '../src/core/result.ts';
import { createTestClock, noon, openTab, sumOf } from '../src/observability/analytics/testDoubles.ts';
import type { Analytics, SaveFormat } from '../src/observability/index.ts';
import { compressGzip, decompressGzip } from '../src/platform/browser/gzip.ts';
import { createAnalyticsApi } from './analyticsApi.ts';

const sqlite = createAnalyticsApi({ loadSqlite: () => createSqlite() });
const gzip = { compress: compressGzip, decompress: decompressGzip };
const hour = 3_600_000;
const labels = { method: 'read "it"\n=now()', ok: true };
const key = 'rpc_total{method="read \\"it\\"\\n=now()",ok="true"}';

const openFull = async () => {
  const tab = await openTab({ sqlite, gzip });
  for (let i = 0; i < 200; i++) {
    tab.analytics.recordMetric('rpc_total', i, { kind: 'counter', labels });
    tab.analytics.recordMetric('load_ratio', Math.sin(i));
    tab.analytics.recordMetric('rpc_seconds', i / 100, { kind: 'histogram' });
    tab.clock.advance(10_000);
  }
  return tab;
};
const openEmpty = () => openTab({ sqlite, gzip, clock: createTestClock(noon + hour) });

const contentOf = async (analytics: Analytics) => {
  const sums = async (of: string) =>
    Promise.all([10_000, 60, 1].map((maxBuckets) => sumOf(analytics, of, noon, noon + hour, maxBuckets)));
  return {
    series: analytics.series().map(({ key: name, kind, from }) => [name, kind, Math.floor(from / 60_000)]),
    calls: await sums(key),
    seconds: (await sums('rpc_seconds')).map((sum) => sum.toFixed(6)),
    p95: analytics.distribution('rpc_seconds', noon, noon + hour)?.quantile(0.95),
    load: (await sums('load_ratio')).map((sum) => sum.toFixed(6)),
  };
};

const formats = ['json', 'cbor', 'sqlite'] as const satisfies readonly SaveFormat[];
const cases = formats.flatMap((format) => [false, true].map((compress) => [format, compress] as const));

describe('a saved file', () => {
  it.each(cases)('as %s (compressed: %s) gives everything back, and only once', async (format, compress) => {
    const { analytics } = await openFull();
    const before = await contentOf(analytics);
    const file = unwrap(await analytics.save(format, { compress }));
    const other = await openEmpty();
    const report = unwrap(await other.analytics.load(file.bytes));
    expect(report).toMatchObject({ format, series: 3, lost: [] });
    expect(await contentOf(other.analytics)).toEqual(before);
    unwrap(await other.analytics.load(file.bytes));
    expect(await contentOf(other.analytics)).toEqual(before);
    unwrap(await analytics.load(file.bytes));
    expect(await contentOf(analytics)).toEqual(before);
  });

  it.each(cases)(
    'as %s (compressed: %s) that is cut or has flipped bits never throws, and is never believed',
    async (format, compress) => {
      const { analytics } = await openFull();
      const { bytes } = unwrap(await analytics.save(format, { compress }));
      const whole = (await contentOf(analytics)).calls[0] ?? 0;
      let partly = 0;
      for (let i = 1; i <= 6; i++) {
        const damaged = bytes.slice(0, i % 3 === 0 ? Math.floor((bytes.length * i) / 7) : undefined);
        const place = Math.floor((damaged.length * i) / 7);
        damaged[place] = (damaged[place] ?? 0) ^ 0x55;
        const other = await openEmpty();
        const loaded = await other.analytics.load(damaged);
        if (!loaded.ok) {
          expect(['malformed', 'newer', 'storage']).toContain(loaded.error.code);
          continue;
        }
        if (loaded.value.series > 0) partly++;
        const isHere = other.analytics.series().some((series) => series.key === key);
        const calls = isHere ? await sumOf(other.analytics, key, noon, noon + hour, 10_000) : 0;
        expect(calls).toBeLessThanOrEqual(whole);
        if (format !== 'sqlite')
          expect(loaded.value.lost.length + (damaged.length === bytes.length ? 1 : 0)).toBeGreaterThan(0);
      }
      if (!compress) expect(partly).toBeGreaterThan(1);
    },
  );

  it('of JSON that was cut in the middle gives its whole lines, and says what is lost', async () => {
    const { analytics } = await openFull();
    const { bytes } = unwrap(await analytics.save('json'));
    const other = await openEmpty();
    const report = unwrap(await other.analytics.load(bytes.slice(0, bytes.length * 0.6)));
    expect(report.series).toBeGreaterThan(0);
    expect(report.lost.join()).toMatch(/\d of 8 parts are damaged/);
  });

  it('of anything else is refused', async () => {
    const { analytics } = await openTab({
      sqlite,
      gzip,
      options: { maxFileBytes: 100_000, maxUnpackedBytes: 1_000_000 },
    });
    const codeOf = async (bytes: Uint8Array) => {
      const loaded = await analytics.load(bytes);
      return loaded.ok ? 'taken' : loaded.error.code;
    };
    const text = (value: string) => new TextEncoder().encode(value);
    expect(await codeOf(new Uint8Array())).toBe('malformed');
    expect(await codeOf(text('{"a":1}'))).toBe('malformed');
    expect(await codeOf(text('SQLite format 3\0 and more'))).toBe('malformed');
    expect(await codeOf(new Uint8Array(100_001))).toBe('too-large');
    expect(await codeOf(await compressGzip(new Uint8Array(2_000_000)))).toBe('too-large');
    const head = { format: 'aivillage-analytics', schema: 2, savedAt: 0, rows: 0 };
    expect(await codeOf(text(JSON.stringify({ head, rows: [] })))).toBe('newer');
  });

  it('can be asked with SQL, and a database that could run anything is not read', async () => {
    const { analytics } = await openFull();
    const { bytes } = unwrap(await analytics.save('sqlite'));
    const { capi, wasm, oo1 } = await createSqlite();
    const database = new oo1.DB(':memory:');
    const { pointer } = database;
    if (pointer === undefined) throw new Error('no database');
    const flags = capi.SQLITE_DESERIALIZE_FREEONCLOSE | capi.SQLITE_DESERIALIZE_RESIZEABLE;
    capi.sqlite3_deserialize(
      pointer,
      'main',
      wasm.allocFromTypedArray(bytes),
      bytes.length,
      bytes.length,
      flags,
    );
    expect(
      database.selectValue(
        'SELECT sum(value) FROM points JOIN series ON series.id = points.series WHERE name = ?',
        ['rpc_total'],
      ),
    ).toBe((199 * 200) / 2);
    database.exec(
      'CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT i FROM n',
    );
    const other = await openEmpty();
    const loaded = await other.analytics.load(capi.sqlite3_js_db_export(database));
    expect(loaded.ok ? '' : loaded.error.code).toBe('malformed');
    database.close();
  });
});
