import * as v from 'valibot';
import { finiteSchema, parseWith } from '../../core/schema.ts';
import { fieldsSchema } from '../logs/query.ts';
import type { SpanRecord } from './types.ts';

const hexId = (length: number) =>
  v.pipe(
    v.string(),
    v.length(length),
    v.regex(/^[0-9a-f]+$/),
    v.check((id) => !/^0+$/.test(id), 'all zero'),
  );
/** Up to the year 2540: in nanoseconds it still fits into the 64 bits of OTLP. */
const timeSchema = v.pipe(finiteSchema, v.minValue(0), v.maxValue(1.8e13));
const name = v.pipe(v.string(), v.maxLength(200));

const spanSchema = v.object({
  context: v.object({ traceId: hexId(32), spanId: hexId(16), sampled: v.boolean() }),
  parentId: v.optional(hexId(16)),
  name,
  kind: v.picklist(['internal', 'client', 'server', 'producer', 'consumer']),
  where: v.pipe(v.string(), v.maxLength(32)),
  startedAt: timeSchema,
  endedAt: v.optional(timeSchema),
  fields: fieldsSchema,
  events: v.pipe(v.array(v.object({ at: timeSchema, name, fields: fieldsSchema })), v.maxLength(64)),
  failure: v.optional(v.pipe(v.string(), v.maxLength(1_100))),
});

/** What was stored, or what somebody else sent, if it is a span within our limits. */
export const parseSpanRecord = (value: unknown): SpanRecord | undefined => {
  const parsed = parseWith(spanSchema, value);
  if (!parsed.ok) return undefined;
  const { parentId, endedAt, failure, ...rest } = parsed.value;
  return { ...rest, parentId, endedAt, failure };
};
