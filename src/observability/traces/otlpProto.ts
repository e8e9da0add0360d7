import protobuf from 'protobufjs';

/**
 * For tests: what a collector reads, by the field numbers of opentelemetry-proto 1.x (common, resource, trace and the trace
 * service), read by a library that has nothing to do with the one that writes.
 */
const definitions = `
syntax = "proto3";
message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; } }
message KeyValue { string key = 1; AnyValue value = 2; }
message InstrumentationScope { string name = 1; string version = 2; }
message Resource { repeated KeyValue attributes = 1; uint32 dropped_attributes_count = 2; }
message Status { string message = 2; enum StatusCode { UNSET = 0; OK = 1; ERROR = 2; } StatusCode code = 3; }
message Event { fixed64 time_unix_nano = 1; string name = 2; repeated KeyValue attributes = 3; uint32 dropped_attributes_count = 4; }
message Span {
  bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; fixed32 flags = 16; string name = 5;
  enum SpanKind { UNSPECIFIED = 0; INTERNAL = 1; SERVER = 2; CLIENT = 3; PRODUCER = 4; CONSUMER = 5; }
  SpanKind kind = 6; fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8; repeated KeyValue attributes = 9;
  uint32 dropped_attributes_count = 10; repeated Event events = 11; uint32 dropped_events_count = 12; Status status = 15;
}
message ScopeSpans { InstrumentationScope scope = 1; repeated Span spans = 2; string schema_url = 3; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; string schema_url = 3; }
message ExportTraceServiceRequest { repeated ResourceSpans resource_spans = 1; }
message ExportTracePartialSuccess { int64 rejected_spans = 1; string error_message = 2; }
message ExportTraceServiceResponse { ExportTracePartialSuccess partial_success = 1; }
`;
const { root } = protobuf.parse(definitions);

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

/** Ids as base64, 64-bit numbers as text, enums by name. Throws at what is no such message. */
export const decodeOtlpRequest = (bytes: Uint8Array): DecodedRequest => {
  const type = root.lookupType('ExportTraceServiceRequest');
  return type.toObject(type.decode(bytes), {
    bytes: String,
    longs: String,
    enums: String,
    defaults: true,
    arrays: true,
  }) as DecodedRequest;
};

export const encodeOtlpResponse = (partialSuccess?: {
  readonly rejectedSpans: number;
  readonly errorMessage: string;
}): Uint8Array =>
  root
    .lookupType('ExportTraceServiceResponse')
    .encode(partialSuccess ? { partialSuccess } : {})
    .finish();
