import createSqlite, { type Sqlite3Static } from '@sqlite.org/sqlite-wasm';
import wasmUrl from '@sqlite.org/sqlite-wasm/sqlite3.wasm?url';
import { createAnalyticsApi } from './analyticsApi.ts';
import { exposeApi } from './expose.ts';

/** The package's types leave out what its code takes, as every Emscripten module does. */
const openSqlite: (module: { locateFile(): string }) => Promise<Sqlite3Static> = createSqlite;

exposeApi(() => createAnalyticsApi({ loadSqlite: () => openSqlite({ locateFile: () => wasmUrl }) }));
