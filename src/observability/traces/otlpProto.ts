import root from 'opentelemetry-proto/build/src/generated/root.js';

const { ExportTraceServiceRequest, ExportTraceServiceResponse } = root.opentelemetry.proto.collector.trace.v1;

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
 * For tests: what a collector reads, by the code that OpenTelemetry generated of its own definitions (opentelemetry-proto; an
 * older version of the library that writes, which has not used that code since). Ids as base64, 64-bit numbers as text, enums
 * by name. Throws at what is no such message.
 */
export const decodeOtlpRequest = (bytes: Uint8Array): DecodedRequest =>
  ExportTraceServiceRequest.toObject(ExportTraceServiceRequest.decode(bytes), {
    bytes: String,
    longs: String,
    enums: String,
    defaults: true,
    arrays: true,
  }) as DecodedRequest;

export const encodeOtlpResponse = (partialSuccess?: {
  readonly rejectedSpans: number;
  readonly errorMessage: string;
}): Uint8Array => ExportTraceServiceResponse.encode(partialSuccess ? { partialSuccess } : {}).finish();
