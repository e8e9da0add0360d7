import type { ByteCount, Milliseconds } from '../core/brand.ts';
import type { SpanContext } from '../core/ports/telemetry.ts';
import type { Fault, Result } from '../core/result.ts';

/** `undefined` everywhere below means "not reported" by this browser, never zero. */
export type DeviceProfile = {
  /** For people: "Chrome 156 on Linux". */
  readonly label: string;
  readonly mobile: boolean;
  readonly cores: number | undefined;
  readonly memoryGiB: number | undefined;
  readonly gpu: GpuProfile;
  readonly battery: { readonly charging: boolean; readonly level: number } | undefined;
  readonly network:
    | {
        readonly effectiveType: string | undefined;
        readonly downlinkMbps: number | undefined;
        readonly rtt: Milliseconds | undefined;
        readonly saveData: boolean;
      }
    | undefined;
  readonly storage:
    | { readonly quota: ByteCount; readonly usage: ByteCount; readonly persisted: boolean }
    | undefined;
  /** Whether WASM threads are possible: the page is isolated, and the browser has memory that workers share. */
  readonly crossOriginIsolated: boolean;
};

export type GpuProfile =
  | { readonly kind: 'none'; readonly reason: string }
  | {
      readonly kind: 'adapter';
      readonly vendor: string | undefined;
      readonly architecture: string | undefined;
      readonly description: string | undefined;
      /** A software adapter (SwiftShader): right, but slow. */
      readonly software: boolean;
      readonly features: readonly string[];
      readonly limits: {
        readonly maxBufferSize: ByteCount;
        readonly maxStorageBufferBindingSize: ByteCount;
        readonly maxComputeWorkgroupStorageSize: ByteCount;
        readonly maxComputeInvocationsPerWorkgroup: number;
      };
    };

export type RuntimeKind = 'wasm' | 'webgpu';

/** What one device measured of itself on one runtime; work is counted in input pixels of a task kind. */
export type MeasuredSpeed = {
  readonly runtime: RuntimeKind;
  readonly threads: number;
  readonly workers: number;
  /** Input megapixels per second of one worker, per task kind ("ocr.detect", "ocr.recognize"). */
  readonly megapixelsPerSecond: Readonly<Record<string, number>>;
  /** Runtime version + model hashes: a cached speed is only valid for the same ones. */
  readonly version: string;
  readonly measuredAt: number;
};

export type RuntimeChoice = {
  readonly chosen: RuntimeKind;
  /** In words: "WebGPU was 3.1× faster on this device", "no WebGPU adapter". */
  readonly reason: string;
  readonly measured: readonly MeasuredSpeed[];
};

/** What the person shares. */
export type ShareLimits = {
  /** Cores that work for the swarm (1 … all); tabs of one device share them. */
  readonly cores: number;
  readonly gpu: boolean;
  readonly onlyWhenCharging: boolean;
  readonly paused: boolean;
};

export type PoolError = Fault<
  /** the worker died; the call may be tried again */
  | 'worker-crashed'
  /** no sign of life within the watchdog's time */
  | 'worker-stuck'
  | 'cancelled'
  | 'closed'
  /** the worker's code threw; `message` says what */
  | 'failed'
>;

/**
 * A set of equal workers behind one queue. Starts them lazily, ends idle ones, replaces dead ones, and keeps one
 * call in flight per worker. Doesn't know what the workers do.
 */
export interface WorkerPool<Api> {
  call<T>(run: (api: Api) => Promise<T>, options: PoolCallOptions): Promise<Result<T, PoolError>>;
  /** Workers alive now, calls in flight, calls waiting. */
  load(): { readonly workers: number; readonly running: number; readonly waiting: number };
  /** Fewer workers end after their current call. */
  resize(size: number): void;
  close(): Promise<void>;
}

export type PoolCallOptions = {
  readonly signal?: AbortSignal;
  /** Own work before work for others. */
  readonly urgent?: boolean;
  /** Longest time without an answer before the worker is declared stuck and replaced. */
  readonly watchdog: Milliseconds;
  /** The span for which the call is made: it gets one of its own under it, and so does what the worker says it took. */
  readonly trace?: SpanContext | undefined;
};

/** Model files: fetched once, verified by SHA-256 on every read, kept by content hash. */
export interface ModelStore {
  load(
    model: ModelFile,
    options?: {
      readonly signal?: AbortSignal;
      readonly onProgress?: (loaded: number, total: number) => void;
      /** The span for which it is loaded; of callers that share one load, the first one's. */
      readonly trace?: SpanContext | undefined;
    },
  ): Promise<Result<Uint8Array, Fault<'corrupt' | 'unavailable' | 'cancelled'>>>;
}

export type ModelFile = {
  readonly name: string;
  readonly url: string;
  readonly sha256: string;
  readonly bytes: number;
};
