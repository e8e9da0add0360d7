export * from './exporter.ts';
export * from './otlp.ts';
export * from './otlpJson.ts';
export * from './records.ts';
export * from './ring.ts';
export * from './traceparent.ts';
export * from './tracer.ts';
export type * from './types.ts';
export * from './waterfall.ts';
