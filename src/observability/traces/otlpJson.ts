import * as v from 'valibot';
import type { LogFields, SpanKind } from '../../core/ports/telemetry.ts';
import { err, type Fault, fault, ok, type Result } from '../../core/result.ts';
import { parseWith } from '../../core/schema.ts';
import { redact, redactFields } from '../redact.ts';
import { type OtlpEntry, whereKey } from './otlp.ts';
import { parseSpanRecord } from './records.ts';
import type { SpanRecord } from './types.ts';

export const otlpLimits = { maxBytes: 512 * 1024, maxSpans: 500, maxResources: 8, maxScopes: 8 } as const;

/**
 * Reads OTLP JSON as a tab of this village sends it. Only the fields that we know come out, with secrets hidden: what a stranger
 * puts beside them goes nowhere. Refuses whole what is no such request, and counts single spans that are none.
 */
export const parseOtlpJson = (
  body: Uint8Array,
): Result<
  { readonly entries: readonly OtlpEntry[]; readonly refused: number },
  Fault<'too-large' | 'malformed'>
> => {
  if (body.byteLength > otlpLimits.maxBytes)
    return err(fault('too-large', `${body.byteLength} bytes: at most ${otlpLimits.maxBytes} are read`));
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return err(fault('malformed', 'this is no JSON: post an OTLP ExportTraceServiceRequest'));
  }
  const parsed = parseWith(requestSchema, json);
  if (!parsed.ok) return err(fault('malformed', parsed.error.message));
  const entries: OtlpEntry[] = [];
  let refused = 0;
  for (const { resource, scopeSpans } of parsed.value.resourceSpans) {
    const origin = toOrigin(resource.attributes);
    for (const { spans } of scopeSpans) {
      for (const raw of spans) {
        const span = entries.length < otlpLimits.maxSpans ? toSpan(raw) : undefined;
        if (span) entries.push({ resource: origin, span });
        else refused++;
      }
    }
  }
  return ok({ entries, refused });
};

const text = v.pipe(v.string(), v.maxLength(2_000));
const valueSchema = v.union([
  v.object({ stringValue: text }),
  v.object({ boolValue: v.boolean() }),
  v.object({ intValue: v.union([v.number(), v.pipe(v.string(), v.regex(/^-?\d{1,19}$/))]) }),
  v.object({ doubleValue: v.number() }),
]);
const attributesSchema = v.pipe(
  v.array(v.object({ key: v.pipe(v.string(), v.maxLength(200)), value: valueSchema })),
  v.maxLength(64),
);
const nanosSchema = v.union([v.pipe(v.string(), v.regex(/^\d{1,20}$/)), v.number()]);
const spanSchema = v.object({
  traceId: text,
  spanId: text,
  parentSpanId: v.optional(text),
  name: text,
  kind: v.number(),
  startTimeUnixNano: nanosSchema,
  endTimeUnixNano: nanosSchema,
  attributes: v.optional(attributesSchema, []),
  events: v.optional(
    v.pipe(
      v.array(
        v.object({
          timeUnixNano: nanosSchema,
          name: text,
          attributes: v.optional(attributesSchema, []),
        }),
      ),
      v.maxLength(64),
    ),
    [],
  ),
  status: v.optional(v.object({ code: v.optional(v.number(), 0), message: v.optional(text) }), {}),
  flags: v.optional(v.number(), 0),
});
const requestSchema = v.object({
  resourceSpans: v.pipe(
    v.array(
      v.object({
        resource: v.object({ attributes: attributesSchema }),
        scopeSpans: v.pipe(
          v.array(v.object({ spans: v.pipe(v.array(v.unknown()), v.maxLength(4 * otlpLimits.maxSpans)) })),
          v.maxLength(otlpLimits.maxScopes),
        ),
      }),
    ),
    v.maxLength(otlpLimits.maxResources),
  ),
});
type Attributes = v.InferOutput<typeof attributesSchema>;

/** A tab says which one it is; it can't say that it is a server, nor add what the operator would. */
const toOrigin = (attributes: Attributes): OtlpEntry['resource'] => {
  const fields = toFields(attributes);
  const short = (value: unknown, shape: RegExp) =>
    typeof value === 'string' && shape.test(value) ? value : undefined;
  return {
    service: 'aivillage-tab',
    instance: short(fields['service.instance.id'], /^[\w-]{1,64}$/),
    version: short(fields['service.version'], /^[\w.+-]{1,32}$/),
  };
};

const kinds: Readonly<Record<number, SpanKind>> = {
  0: 'internal',
  1: 'internal',
  2: 'server',
  3: 'client',
  4: 'producer',
  5: 'consumer',
};

const toSpan = (raw: unknown): SpanRecord | undefined => {
  const parsed = parseWith(spanSchema, raw);
  if (!parsed.ok) return undefined;
  const { traceId, spanId, parentSpanId, name, kind, attributes, events, status, flags } = parsed.value;
  const { [whereKey]: where, ...fields } = toFields(attributes);
  return parseSpanRecord({
    context: { traceId, spanId, sampled: (flags & 1) === 1 },
    ...(parentSpanId ? { parentId: parentSpanId } : {}),
    name: redact(name).slice(0, 128),
    kind: kinds[kind],
    where: where === 'worker' ? 'worker' : 'tab',
    startedAt: toMs(parsed.value.startTimeUnixNano),
    endedAt: toMs(parsed.value.endTimeUnixNano),
    fields,
    events: events.map(({ timeUnixNano, name: event, attributes: of }) => ({
      at: toMs(timeUnixNano),
      name: redact(event).slice(0, 128),
      fields: toFields(of),
    })),
    ...(status.code === 2 ? { failure: redact(status.message ?? 'failed') } : {}),
  });
};

const toFields = (attributes: Attributes): LogFields => {
  const fields: Record<string, string | number | boolean> = {};
  for (const { key, value } of attributes) fields[key] = plain(value);
  return redactFields(fields);
};

const plain = (value: Attributes[number]['value']): string | number | boolean => {
  if ('stringValue' in value) return value.stringValue;
  if ('boolValue' in value) return value.boolValue;
  return 'intValue' in value ? Number(value.intValue) : value.doubleValue;
};

/** Nanoseconds since 1970 are more than a number holds exactly: as text, the milliseconds are cut off first. */
const toMs = (nanos: string | number): number => {
  if (typeof nanos === 'number') return nanos / 1e6;
  const cut = Math.max(0, nanos.length - 6);
  return Number(nanos.slice(0, cut) || '0') + Number(nanos.slice(cut)) / 1e6;
};
