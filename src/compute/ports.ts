import type { Subscribe } from '../core/events.ts';
import type { LogFields, LogLevel, SpanContext } from '../core/ports/telemetry.ts';
import type { Fault, Result } from '../core/result.ts';
import type { ModelFile } from './contracts.ts';

/**
 * One living worker. `api`'s methods hang for ever if the worker dies: only the pool may call them, because it
 * watches `ended` and `signs` at the same time.
 */
export interface WorkerHandle<Api> {
  readonly api: Api;
  /** Every message of the worker, answers included: proof that its event loop turns. */
  readonly signs: Subscribe<void>;
  /** The worker can't go on (script missing, uncaught error, unreadable message); emits at most once, with why. */
  readonly ended: Subscribe<string>;
  /** What the worker's own clock says a call took, without the way there and back; told just before its answer. */
  readonly ran?: Subscribe<WorkerRan>;
  /** Asks the call in flight to stop; a call that already answered isn't touched. */
  abort(): void;
  /** Ends it whatever it does. Idempotent. */
  terminate(): void;
}

export type WorkerRan = { readonly method: string; readonly ms: number };

/** Bytes named by their SHA-256 (lower-case hex). Storage may lie, lose, or be full: the reader verifies. */
export interface BlobStore {
  get(sha256: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  put(sha256: string, bytes: Uint8Array<ArrayBuffer>): Promise<Result<void, Fault<'full' | 'unavailable'>>>;
  delete(sha256: string): Promise<void>;
}

export type Download = (
  url: string,
  options: {
    readonly signal?: AbortSignal;
    /** Stops reading beyond this many bytes: a wrong address must not fill the memory. */
    readonly maxBytes: number;
    /** Past every cache: what was cached turned out to be damaged. */
    readonly fresh?: boolean;
    /** W3C trace context, for a server that makes a span of it. */
    readonly traceparent?: string | undefined;
    readonly onProgress?: (loaded: number) => void;
  },
) => Promise<Result<Uint8Array<ArrayBuffer>, Fault<'unavailable' | 'cancelled'>>>;

/** What a page may ask its model worker: one call at a time; progress in bytes. */
export type ModelWorkerApi = {
  load(
    model: ModelFile,
    onProgress: (loaded: number, total: number) => void,
    trace?: SpanContext,
  ): Promise<ModelAnswer>;
};
export type ModelAnswer = {
  readonly result: Result<Uint8Array, Fault<'corrupt' | 'unavailable' | 'cancelled'>>;
  /** What the worker would have said to telemetry, which is the page's. */
  readonly noticed: readonly ModelNotice[];
};
export type ModelNotice =
  | {
      readonly kind: 'log';
      readonly level: LogLevel;
      readonly component: string;
      readonly message: string;
      readonly fields: LogFields | undefined;
    }
  | {
      readonly kind: 'count' | 'observe';
      readonly name: string;
      readonly value: number;
      readonly labels: LogFields;
    };

/**
 * What a browser can be asked. Every probe may be missing, throw, reject or never answer; the values come from a
 * browser API and are believed only as far as their types go.
 */
export type ProfileProbes = {
  userAgent(): UserAgentSource;
  cores(): unknown;
  memoryGiB(): unknown;
  /** Whether the page is isolated and its browser has memory to share. */
  sharedMemory(): boolean;
  gpu(): Promise<GpuProbe>;
  battery(): Promise<{ readonly charging: unknown; readonly level: unknown } | undefined>;
  network():
    | {
        readonly effectiveType: unknown;
        readonly downlink: unknown;
        readonly rtt: unknown;
        readonly saveData: unknown;
      }
    | undefined;
  storage(): Promise<
    { readonly quota: unknown; readonly usage: unknown; readonly persisted: unknown } | undefined
  >;
};

export type GpuProbe =
  | { readonly kind: 'none'; readonly reason: string }
  | {
      readonly kind: 'adapter';
      readonly vendor: string | undefined;
      readonly architecture: string | undefined;
      readonly device: string | undefined;
      readonly description: string | undefined;
      readonly fallback: boolean;
      readonly features: readonly string[];
      readonly limits: Readonly<Record<string, number>>;
    };

export type UserAgentSource = {
  /** navigator.userAgentData (Chromium); undefined elsewhere. */
  readonly brands: readonly { readonly brand: string; readonly version: string }[] | undefined;
  readonly platform: string | undefined;
  readonly mobile: boolean | undefined;
  /** navigator.userAgent. */
  readonly text: string;
  /** navigator.maxTouchPoints: an iPad calls itself a Macintosh, but no Macintosh has a touch screen. */
  readonly touchPoints?: number;
};
