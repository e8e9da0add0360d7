import type { RuntimeKind } from '../src/compute/contracts.ts';
import type { RuntimeAssets } from '../src/compute/runtimes/assets.ts';
import type { AccountId } from '../src/core/brand.ts';
import type { Bytes } from '../src/core/bytes.ts';
import type { LogLevel } from '../src/core/ports/telemetry.ts';
import type { Fault, Result } from '../src/core/result.ts';
import type {
  DetectOutput,
  OcrFault,
  OpenedPage,
  PackedImage,
  Quad,
  RecognizeOutput,
} from '../src/inference/ocr/types.ts';
import type { FollowPhase } from '../src/ledger/replica/follower.ts';
import type { Comparison } from '../src/ledger/replica/heads.ts';
import type { Frames, SnapshotPart, SourceFault, SourceStatus } from '../src/ledger/replica/source.ts';
import type { StatePart } from '../src/ledger/replica/stateParts.ts';
import type { OwnRow } from '../src/ledger/replica/store.ts';
import type { Heads, OrderedOperation } from '../src/ledger/replica/types.ts';
import type { Block, Genesis, Keeper, SignedOperation } from '../src/ledger/types.ts';
import type { KeeperAnswer } from '../src/ledger/wallet/wallet.ts';
import type { SqliteCodec } from '../src/observability/analytics/files/files.ts';
import type { OnnxFault } from '../src/onnx/index.ts';
import type { ModelSummary } from '../src/onnx/inspect.ts';
import type { DataType } from '../src/onnx/ir/types.ts';
import type { Skipped, TensorReport } from '../src/onnx/quantize/scheme.ts';

/**
 * What the page may ask its workers. Type-only. Every method answers a Result: a rejection is a bug. One call at a
 * time; `abort` (see WorkerHandle) stops the one in flight at its next step.
 */
export type OcrWorkerApi = {
  /** Opens both models once; later calls need it. */
  load(input: OcrLoad): Promise<Result<OcrLoaded, OcrFault>>;
  detect(image: PackedImage): Promise<Result<DetectOutput, OcrFault>>;
  recognize(lines: readonly PackedImage[]): Promise<Result<RecognizeOutput, OcrFault>>;
  /** Times both models on the probe, warm, and gives the answers so that runtimes can be compared. */
  measure(probe: OcrProbe): Promise<Result<OcrMeasurement, OcrFault>>;
  /** Gives the sessions' memory back. */
  dispose(): Promise<void>;
};

export type OcrLoad = {
  readonly runtime: RuntimeKind;
  readonly threads: number;
  readonly assets: Readonly<Record<RuntimeKind, RuntimeAssets>>;
  /** Over shared memory where the page is isolated: read only. */
  readonly detector: Uint8Array;
  readonly recognizer: Uint8Array;
  readonly dictionary: Uint8Array;
};
/** Threads as granted: one where shared memory is missing. */
export type OcrLoaded = { readonly threads: number };

export type OcrProbe = { readonly page: PackedImage; readonly line: PackedImage };
export type OcrMeasurement = {
  readonly detectMs: number;
  readonly recognizeMs: number;
  readonly boxes: DetectOutput['boxes'];
  readonly text: string;
};

export type ImageWorkerApi = {
  openPage(file: Blob): Promise<Result<OpenedPage, OcrFault>>;
  cropLines(file: Blob, quads: readonly Quad[]): Promise<Result<readonly PackedImage[], OcrFault>>;
  /** A small page with text on it, drawn with this device's fonts. */
  drawProbe(): Promise<Result<OcrProbe, OcrFault>>;
};

/** Beside comlink's own messages: page → worker. */
export type AbortMessage = { readonly aivillage: 'abort' };
/** Worker → page, between two steps of a long call. */
export type AliveMessage = { readonly aivillage: 'alive' };
/** Worker → page, before the answer: how long the call ran here. A worker has no tracer; the page makes a span of it. */
export type RanMessage = { readonly aivillage: 'ran'; readonly method: string; readonly ms: number };

/** A model as the person gave it: its file and those that lie beside it. They are handles; nothing is read until it is needed. */
export type ModelFiles = {
  readonly name: string;
  readonly file: Blob;
  readonly beside: readonly { readonly name: string; readonly file: Blob }[];
};

/** What can be made of a model. The last two take one in blocks apart again, for devices that are slow with it. */
export type Recipe = 'int8' | 'q4' | 'q4-hqq' | 'ternary' | 'unpack-int8' | 'unpack-float32';

/** What a recipe would make, known to the byte before anything is computed. */
export type RecipePlan = {
  readonly recipe: Recipe;
  readonly outcome: Result<
    { readonly tensors: number; readonly skipped: readonly Skipped[]; readonly bytesAfter: number },
    Fault
  >;
};

/** One tensor that has to be fed. */
export type InputSpec = {
  readonly name: string;
  readonly dtype: DataType | undefined;
  /** A size, or the name of one that is free. */
  readonly dims: readonly (number | string)[];
  /** Why no values can be drawn for it. */
  readonly obstacle: string | undefined;
  /** Integers: rows of the table that they look up; undefined if none was found. */
  readonly rows: number | undefined;
};

export type OnnxDescription = ModelSummary & {
  readonly kind: 'onnx';
  /** Of all files together. */
  readonly bytes: number;
  readonly inputTypes: readonly string[];
  readonly outputTypes: readonly string[];
  /** What breaks ONNX's rules. */
  readonly problems: readonly OnnxFault[];
  /** Files that hold its tensors and weren't given. */
  readonly missing: readonly string[];
  readonly feeds: readonly InputSpec[];
  /** Sizes that the model leaves open, with one that is likely to work. */
  readonly sizes: readonly { readonly name: string; readonly suggested: number }[];
};
export type SafetensorsDescription = {
  readonly kind: 'safetensors';
  readonly bytes: number;
  readonly parameters: number;
  readonly tensors: number;
  readonly bytesByType: ModelSummary['bytesByType'];
  readonly largest: ModelSummary['largest'];
  readonly metadata: readonly (readonly [key: string, value: string])[];
};
export type ModelDescription = OnnxDescription | SafetensorsDescription;

export type OpenedModel = {
  readonly description: ModelDescription;
  /** None for what can't be quantised by itself. */
  readonly plans: readonly RecipePlan[];
};

export type QuantizeProgress = {
  /** The tensor that is being computed. */
  readonly tensor: string;
  readonly tensorsDone: number;
  readonly tensors: number;
  /** Of the weights as they were. */
  readonly bytesDone: number;
  readonly bytes: number;
  readonly bytesPerSecond: number;
};

export type QuantizedModel = {
  /** Where the browser keeps it: a handle. */
  readonly file: Blob;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** The largest error first. */
  readonly tensors: readonly TensorReport[];
  readonly skipped: readonly Skipped[];
  readonly ms: number;
};

export type QuantizeWorkerApi = {
  /** Reads what is needed to say what it is, never the weights of a large model. */
  open(files: ModelFiles): Promise<Result<OpenedModel, Fault>>;
  /** Makes the file called `target`; nothing of it is left if it isn't finished. */
  quantize(
    files: ModelFiles,
    recipe: Recipe,
    target: string,
    onProgress: (progress: QuantizeProgress) => void,
  ): Promise<Result<QuantizedModel, Fault>>;
};

export type RunPlace = {
  readonly runtime: RuntimeKind;
  readonly threads: number;
  readonly assets: Readonly<Record<RuntimeKind, RuntimeAssets>>;
};

/** How two models are fed the same. */
export type CompareSettings = {
  readonly sizes: Readonly<Record<string, number>>;
  /** Integers are drawn below it, by the input's name. */
  readonly bounds: Readonly<Record<string, number>>;
  readonly runs: number;
  readonly seed: number;
};

export type OutputDifference = {
  readonly name: string;
  readonly dims: readonly number[];
  /** Norm of the difference ÷ norm of what the model before gives, over all runs. */
  readonly relative: number;
  readonly cosine: number;
  /** The largest difference of two numbers. */
  readonly max: number;
  /** Rows whose largest number is at the same place; undefined where rows have one number. */
  readonly sameTop: number | undefined;
  /** Numbers that are NaN or infinite in one of both; they count in nothing else. */
  readonly notFinite: number;
};

export type ModelComparison = {
  readonly outputs: readonly OutputDifference[];
  readonly runs: number;
  /** Median of a run, without the first. */
  readonly msBefore: number;
  readonly msAfter: number;
};

export type ModelRunsWorkerApi = {
  /** Opens the model and closes it. On WebGPU every operator has to run there. */
  check(files: ModelFiles, place: RunPlace): Promise<Result<{ readonly openMs: number }, Fault>>;
  compare(
    input: {
      readonly before: ModelFiles;
      readonly after: ModelFiles;
      readonly feeds: readonly InputSpec[];
      readonly settings: CompareSettings;
      readonly place: RunPlace;
    },
    onProgress: (done: number, total: number) => void,
  ): Promise<Result<ModelComparison, Fault>>;
};

/** A replica of the ledger and its connections to keepers. Checked blocks go to the page, which applies them once more. */
export type LedgerWorkerApi = {
  open(
    input: {
      readonly genesis: Genesis;
      /** Whose history is kept. */
      readonly account: AccountId;
      /** Where keepers are, by name. */
      readonly keepers: readonly { readonly name: string; readonly url: string }[];
      /** Beyond so many blocks a snapshot is taken instead of a replay. */
      readonly snapshotBeyond: number;
    },
    tell: (news: LedgerNews) => void,
    peers: LedgerPeers,
  ): Promise<Result<LedgerOpened, Fault>>;
  /** To every keeper. */
  send(operations: readonly SignedOperation[]): Promise<void>;
  /** What other tabs of the mesh have, at most; undefined: there is none. */
  peersHave(status: SourceStatus | undefined): Promise<void>;
  ordered(seq: number): Promise<OrderedOperation | undefined>;
  history(before: number, count: number): Promise<readonly OwnRow[]>;
  heads(): Promise<Heads>;
  compare(told: Heads): Promise<Comparison>;
  /** A block that contradicts ours: whether it is proof. */
  accuse(block: Bytes): Promise<boolean>;
  /** Whose certificate a block of this height needs. */
  keepersAt(height: number): Promise<readonly Keeper[]>;
  /** For other tabs: certified blocks as they are kept, up to `maxBytes`. */
  blocks(after: number, count: number, maxBytes: number): Promise<readonly Bytes[]>;
  snapshot(part: number): Promise<Omit<SnapshotPart, 'from'> | undefined>;
  /** Tells the page the whole state again. */
  tellState(): Promise<void>;
  close(): Promise<void>;
};
export type LedgerPeers = {
  blocks(after: number, count: number): Promise<Result<Frames, SourceFault>>;
  snapshot(part: number): Promise<Result<SnapshotPart, SourceFault>>;
  blame(from: string, reason: string): void;
};
export type LedgerOpened = {
  /** False: nothing of it outlives the tab. */
  readonly durable: boolean;
  readonly height: number;
  /** How long opening what was kept took. */
  readonly openMs: number;
};
export type LedgerNews =
  /** `epochTime`: when the present epoch began, by a keeper's clock, as the state's own time is. */
  | { readonly kind: 'state'; readonly part: StatePart; readonly epochTime: number }
  | { readonly kind: 'block'; readonly block: Block }
  | { readonly kind: 'phase'; readonly phase: FollowPhase }
  | { readonly kind: 'answer'; readonly answer: KeeperAnswer }
  /** A keeper came within reach. */
  | { readonly kind: 'reached' }
  /** How far each keeper says it is; undefined: it can't be reached. In the order of the addresses given to `open`. */
  | { readonly kind: 'keepers'; readonly heights: readonly (number | undefined)[] }
  | { readonly kind: 'log'; readonly level: LogLevel; readonly message: string }
  /** Of a distribution. */
  | { readonly kind: 'sample'; readonly name: string; readonly value: number };

/** Saved measurements as SQLite databases. */
export type AnalyticsWorkerApi = SqliteCodec;
