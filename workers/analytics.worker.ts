import createSqlite from '@sqlite.org/sqlite-wasm';
import wasmUrl from '@sqlite.org/sqlite-wasm/sqlite3.wasm?url';
import { createAnalyticsApi } from './analyticsApi.ts';
import { exposeApi } from './expose.ts';

exposeApi(() =>
  createAnalyticsApi({ loadSqlite: () => createSqlite({ locateFile: () => wasmUrl, print() {}, printErr() {} }) }),
);
