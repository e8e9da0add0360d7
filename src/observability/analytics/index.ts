export * from './analytics.ts';
export type { FileContent, FileHead, FileRow } from './files/content.ts';
export type { Gzip, SqliteCodec } from './files/files.ts';
export type { Report, SeriesReport } from './report/measure.ts';
export { defaultRetention } from './retention.ts';
export type * from './types.ts';
