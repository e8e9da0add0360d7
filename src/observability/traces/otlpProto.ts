import { getProtoRoot } from '@elastic/mockotlpserver/lib/proto.js';

const service = 'opentelemetry.proto.collector.trace.v1';
const requests = getProtoRoot().lookupType(`${service}.ExportTraceServiceRequest`);
const responses = getProtoRoot().lookupType(`${service}.ExportTraceServiceResponse`);

type KeyValue = { readonly key: string; readonly value: Readonly<Record<string, unknown>> };
export type DecodedSpan = {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly flags: number;
  readonly name: string;
  readonly kind: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly KeyValue[];
  readonly events: readonly { readonly name: string; readonly timeUnixNano: string }[];
  readonly status: { readonly code: string; readonly message: string } | null;
};
export type DecodedRequest = {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] };
    readonly scopeSpans: readonly {
      readonly scope: { readonly name: string };
      readonly spans: readonly DecodedSpan[];
    }[];
  }[];
};

/**
 * For tests: what a collector reads, by OpenTelemetry's own definitions (opentelemetry-proto) and a library that has nothing to do
 * with the one that writes. Ids as base64, 64-bit numbers as text, enums by name. Throws at what is no such message.
 */
export const decodeOtlpRequest = (bytes: Uint8Array): DecodedRequest =>
  requests.toObject(requests.decode(bytes), {
    bytes: String,
    longs: String,
    enums: String,
    defaults: true,
    arrays: true,
  }) as DecodedRequest;

export const encodeOtlpResponse = (partialSuccess?: {
  readonly rejectedSpans: number;
  readonly errorMessage: string;
}): Uint8Array => responses.encode(partialSuccess ? { partialSuccess } : {}).finish();
