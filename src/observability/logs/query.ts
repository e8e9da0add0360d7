import * as v from 'valibot';
import type { LogFields, LogLevel } from '../../core/ports/telemetry.ts';
import { countSchema, finiteSchema, parseWith } from '../../core/schema.ts';
import type { LogEntry, LogQuery } from './types.ts';

const ranks: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Level and above; text in the message, the component or a field, whatever its case. */
export const matches = (entry: LogEntry, query: LogQuery): boolean => {
  if (ranks[entry.level] < ranks[query.level]) return false;
  if (query.component !== undefined && entry.component !== query.component) return false;
  if (query.traceId !== undefined && entry.traceId !== query.traceId) return false;
  if (query.from !== undefined && entry.at < query.from) return false;
  if (query.to !== undefined && entry.at > query.to) return false;
  return query.text === undefined || textOf(entry).includes(query.text.toLowerCase());
};

const textOf = ({ component, message, fields, traceId, spanId }: LogEntry): string =>
  [component, message, traceId, spanId, ...Object.entries(fields).flat()].join(' ').toLowerCase();

/** One JSON object a line, as collectors of logs read it. */
export const toJsonLines = (entries: readonly LogEntry[]): string =>
  entries
    .map(
      ({ at, level, component, message, fields, traceId, spanId, sequence }) =>
        `${JSON.stringify({
          at: new Date(at).toISOString(),
          level,
          component,
          message,
          traceId,
          spanId,
          sequence,
          fields,
        })}\n`,
    )
    .join('');

const short = v.pipe(v.string(), v.maxLength(1_100));
export const fieldsSchema = v.pipe(
  v.record(v.pipe(v.string(), v.maxLength(64)), v.union([short, finiteSchema, v.boolean()])),
  v.check((fields) => Object.keys(fields).length <= 64, 'more than 64 fields'),
  v.transform((fields): LogFields => fields),
);
const idSchema = v.optional(v.pipe(v.string(), v.maxLength(32)));
const entrySchema = v.object({
  sequence: countSchema(Number.MAX_SAFE_INTEGER),
  // What `Date` can say.
  at: v.pipe(v.number(), v.minValue(0), v.maxValue(8.64e15)),
  level: v.picklist(['debug', 'info', 'warn', 'error']),
  component: short,
  message: short,
  fields: fieldsSchema,
  traceId: idSchema,
  spanId: idSchema,
});

/** What was stored, if it is an entry. */
export const parseLogEntry = (value: unknown): LogEntry | undefined => {
  const parsed = parseWith(entrySchema, value);
  if (!parsed.ok) return undefined;
  return { ...parsed.value, traceId: parsed.value.traceId, spanId: parsed.value.spanId };
};
