import type { HrTime } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { LogFields, SpanKind } from '../../core/ports/telemetry.ts';
import type { SpanRecord } from './types.ts';

/** What a span ran in. Ids are fine; a name of a person is none of a collector's business. */
export type OtlpResource = {
  readonly service: 'aivillage-tab' | 'aivillage-server';
  /** Which of them: a peer id, or the id of a server process. */
  readonly instance?: string | undefined;
  readonly version?: string | undefined;
  /** What the operator adds. */
  readonly attributes?: Readonly<Record<string, string>> | undefined;
};
export type OtlpEntry = { readonly resource: OtlpResource; readonly span: SpanRecord };
export type OtlpEncoding = 'json' | 'protobuf';

/** Where a span ran is not in OTLP's own fields. */
export const whereKey = 'aivillage.where';
const scope = { name: 'aivillage' } as const;

/**
 * An ExportTraceServiceRequest (OTLP 1, https://opentelemetry.io/docs/specs/otlp/) of ended spans. The encoder is loaded with
 * the first call: whoever sends nothing doesn't pay for it.
 */
export const encodeOtlp = async (
  entries: readonly OtlpEntry[],
  encoding: OtlpEncoding,
): Promise<Uint8Array<ArrayBuffer>> => {
  const { JsonTraceSerializer, ProtobufTraceSerializer } = await import('@opentelemetry/otlp-transformer');
  // The encoder puts spans together whose resource is the same object.
  const resources = new Map<string, ReadableSpan['resource']>();
  const spans = entries.flatMap(({ resource, span }) => {
    if (span.endedAt === undefined) return [];
    const key = JSON.stringify(resource);
    const known = resources.get(key) ?? toResource(resource);
    resources.set(key, known);
    return [toReadable(span, span.endedAt, known)];
  });
  const serializer = encoding === 'json' ? JsonTraceSerializer : ProtobufTraceSerializer;
  return new Uint8Array(serializer.serializeRequest(spans) ?? new Uint8Array());
};

const toResource = ({ service, instance, version, attributes }: OtlpResource): ReadableSpan['resource'] => {
  const known = {
    ...attributes,
    'service.name': service,
    'service.namespace': 'aivillage',
    ...(instance === undefined ? {} : { 'service.instance.id': instance }),
    ...(version === undefined ? {} : { 'service.version': version }),
  };
  const resource: ReadableSpan['resource'] = {
    attributes: known,
    merge: () => resource,
    getRawAttributes: () => Object.entries(known),
  };
  return resource;
};

/** Numbers of the API, not of OTLP: the encoder adds one. */
const kinds: Readonly<Record<SpanKind, number>> = {
  internal: 0,
  server: 1,
  client: 2,
  producer: 3,
  consumer: 4,
};

const toReadable = (span: SpanRecord, endedAt: number, resource: ReadableSpan['resource']): ReadableSpan => ({
  name: span.name,
  kind: kinds[span.kind],
  spanContext: () => ({ ...idsOf(span), traceFlags: span.context.sampled ? 1 : 0 }),
  ...(span.parentId === undefined
    ? {}
    : {
        parentSpanContext: {
          traceId: span.context.traceId,
          spanId: span.parentId,
          traceFlags: 1,
          isRemote: span.kind === 'server',
        },
      }),
  startTime: toHrTime(span.startedAt),
  endTime: toHrTime(Math.max(span.startedAt, endedAt)),
  duration: toHrTime(Math.max(0, endedAt - span.startedAt)),
  ended: true,
  status: span.failure === undefined ? { code: 0 } : { code: 2, message: span.failure },
  attributes: { ...plainFields(span.fields), [whereKey]: span.where },
  links: [],
  events: span.events.map(({ at, name, fields }) => ({
    name,
    time: toHrTime(at),
    attributes: plainFields(fields),
  })),
  resource,
  instrumentationScope: scope,
  droppedAttributesCount: 0,
  droppedEventsCount: 0,
  droppedLinksCount: 0,
});

const idsOf = ({ context }: SpanRecord) => ({ traceId: context.traceId, spanId: context.spanId });

const plainFields = (fields: LogFields): Record<string, string | number | boolean> =>
  Object.fromEntries(
    Object.entries(fields).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );

const toHrTime = (ms: number): HrTime => {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.min(999_999_999, Math.max(0, Math.round((ms - seconds * 1_000) * 1e6)))];
};
