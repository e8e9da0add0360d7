import { type Bytes, toHex } from '../../core/bytes.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { CryptoPort } from '../../core/ports/crypto.ts';
import type { SpanContext, Telemetry } from '../../core/ports/telemetry.ts';
import { err, type Fault, fault, ok, type Result } from '../../core/result.ts';
import { formatTraceparent } from '../../observability/traces/traceparent.ts';
import type { ModelFile, ModelStore } from '../contracts.ts';
import type { BlobStore, Download } from '../ports.ts';

export type ModelStoreDeps = {
  readonly blobs: BlobStore;
  readonly download: Download;
  readonly crypto: Pick<CryptoPort, 'digest'>;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly telemetry: Telemetry;
};

type LoadResult = Result<Bytes, Fault<'corrupt' | 'unavailable' | 'cancelled'>>;

/**
 * Knows that a file is what its hash says; doesn't know what is in it. Callers that ask at the same time share one
 * load and one copy of the bytes, so nobody may write into them or transfer them.
 */
export const createModelStore = (deps: ModelStoreDeps): ModelStore => {
  const memory = new Map<string, Bytes>();
  const loading = new Map<string, SharedLoad>();
  return {
    load(model, options) {
      if (options?.signal?.aborted) return Promise.resolve(err(cancelled(model)));
      let shared = loading.get(model.sha256);
      if (!shared) {
        const started = startShared(options?.trace, (context) =>
          loadModel({ ...deps, memory }, model, context),
        );
        const forget = (): void => {
          if (loading.get(model.sha256) === started) loading.delete(model.sha256);
        };
        started.result.then(forget, forget);
        started.abort.signal.addEventListener('abort', forget);
        loading.set(model.sha256, started);
        shared = started;
      }
      return joinShared(shared, model, options ?? {});
    },
  };
};

type LoadContext = {
  readonly signal: AbortSignal;
  readonly trace: SpanContext | undefined;
  onProgress(loaded: number, total: number): void;
};
type LoadOptions = NonNullable<Parameters<ModelStore['load']>[1]>;

type SharedLoad = {
  readonly result: Promise<LoadResult>;
  readonly listeners: Set<LoadOptions>;
  readonly abort: AbortController;
};

const startShared = (
  trace: SpanContext | undefined,
  load: (context: LoadContext) => Promise<LoadResult>,
): SharedLoad => {
  const abort = new AbortController();
  const listeners = new Set<LoadOptions>();
  const onProgress = (loaded: number, total: number): void => {
    for (const listener of listeners) listener.onProgress?.(loaded, total);
  };
  return { abort, listeners, result: load({ signal: abort.signal, trace, onProgress }) };
};

/** Leaves at once when its own signal aborts; the load itself stops when the last one has left. */
const joinShared = (shared: SharedLoad, model: ModelFile, options: LoadOptions): Promise<LoadResult> =>
  new Promise((resolve, reject) => {
    const listener = { ...options };
    shared.listeners.add(listener);
    const done = (settle: () => void): void => {
      shared.listeners.delete(listener);
      options.signal?.removeEventListener('abort', leave);
      settle();
    };
    const leave = (): void => {
      done(() => resolve(err(cancelled(model))));
      if (shared.listeners.size === 0) shared.abort.abort();
    };
    options.signal?.addEventListener('abort', leave, { once: true });
    shared.result.then(
      (result) => done(() => resolve(result)),
      (cause) => done(() => reject(cause)),
    );
  });

type LoadDeps = ModelStoreDeps & { readonly memory: Map<string, Bytes> };

const loadModel = async (deps: LoadDeps, model: ModelFile, context: LoadContext): Promise<LoadResult> => {
  const startedAt = deps.clock.monotonic();
  const measure = (from: 'storage' | 'network') =>
    deps.telemetry.observe('model_load_seconds', (deps.clock.monotonic() - startedAt) / 1_000, {
      model: model.name,
      from,
    });
  const stored = await readStored(deps, model);
  deps.telemetry.count(stored.kind === 'good' ? 'cache_hits_total' : 'cache_misses_total', 1, {
    cache: 'models',
  });
  if (stored.kind === 'good') {
    context.onProgress(model.bytes, model.bytes);
    measure('storage');
    return ok(stored.bytes);
  }
  // One fetch past every cache after damage was seen, wherever it was seen; then it is an error, not a loop.
  const attempts = stored.kind === 'damaged' ? [true] : [false, true];
  let found = stored.kind === 'damaged' ? stored.found : '';
  for (const fresh of attempts) {
    const fetched = await deps.download(model.url, {
      signal: context.signal,
      maxBytes: model.bytes,
      fresh,
      traceparent: context.trace && formatTraceparent(context.trace),
      onProgress: (loaded) => context.onProgress(Math.min(loaded, model.bytes), model.bytes),
    });
    if (context.signal.aborted) return err(cancelled(model));
    if (!fetched.ok) return fetched;
    const check = await verify(deps, model, fetched.value);
    if (check.good) {
      await keep(deps, model, fetched.value);
      measure('network');
      return ok(fetched.value);
    }
    found = check.found;
    reportDamage(deps, model, found, 'the network');
  }
  return err(
    fault(
      'corrupt',
      `${model.name} arrived damaged twice (${found}, expected ${model.bytes} bytes with SHA-256 ${model.sha256}). ` +
        'Reload the page; if it stays, the server holds a damaged file.',
    ),
  );
};

type Stored =
  | { readonly kind: 'good'; readonly bytes: Bytes }
  | { readonly kind: 'damaged'; readonly found: string }
  | { readonly kind: 'none' };

const readStored = async (deps: LoadDeps, model: ModelFile): Promise<Stored> => {
  const bytes = deps.memory.get(model.sha256) ?? (await readBlob(deps, model));
  if (!bytes) return { kind: 'none' };
  const check = await verify(deps, model, bytes);
  if (check.good) return { kind: 'good', bytes };
  reportDamage(deps, model, check.found, 'storage');
  deps.memory.delete(model.sha256);
  await deps.blobs.delete(model.sha256).catch(() => {});
  return { kind: 'damaged', found: check.found };
};

const readBlob = async (deps: LoadDeps, model: ModelFile): Promise<Bytes | undefined> => {
  try {
    return await deps.blobs.get(model.sha256);
  } catch (cause) {
    deps.telemetry.log('warn', 'models', `stored ${model.name} could not be read: ${String(cause)}`);
    return undefined;
  }
};

const verify = async (
  deps: LoadDeps,
  model: ModelFile,
  bytes: Bytes,
): Promise<{ readonly good: true } | { readonly good: false; readonly found: string }> => {
  if (bytes.byteLength !== model.bytes) return { good: false, found: `${bytes.byteLength} bytes` };
  const sha256 = toHex(await deps.crypto.digest(bytes));
  return sha256 === model.sha256 ? { good: true } : { good: false, found: `SHA-256 ${sha256}` };
};

const keep = async (deps: LoadDeps, model: ModelFile, bytes: Bytes): Promise<void> => {
  const kept = await deps.blobs
    .put(model.sha256, bytes)
    .catch((cause: unknown) => err(fault('unavailable', String(cause))));
  if (kept.ok) return;
  deps.memory.set(model.sha256, bytes);
  deps.telemetry.log(
    'warn',
    'models',
    `${model.name} stays in memory only and is fetched again next time: ${kept.error.message}`,
    { code: kept.error.code },
  );
};

const reportDamage = (deps: LoadDeps, model: ModelFile, found: string, where: string): void => {
  deps.telemetry.log('warn', 'models', `${model.name} from ${where} is damaged (${found}): dropped`);
  deps.telemetry.count('model_files_damaged_total', 1, { where });
};

const cancelled = (model: ModelFile) => fault('cancelled' as const, `loading ${model.name} was cancelled`);
