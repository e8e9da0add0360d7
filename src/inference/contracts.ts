import type { DeviceProfile, MeasuredSpeed } from '../compute/contracts.ts';
import type {
  AccountId,
  DeviceId,
  JobId,
  MilliCredits,
  Milliseconds,
  PeerId,
  ReceiptId,
  Sha256,
  TaskId,
} from '../core/brand.ts';
import type { Subscribe } from '../core/events.ts';
import type { Signature } from '../core/ports/crypto.ts';
import type { Fault, Result } from '../core/result.ts';
import type { DetectInput, DetectOutput, Quad, RecognizeInput, RecognizeOutput } from './ocr/types.ts';

/** One unit of work that may run on any willing peer. A total table: a new kind does not compile until it is whole. */
export type TaskTable = {
  'ocr.detect': { input: DetectInput; output: DetectOutput };
  'ocr.recognize': { input: RecognizeInput; output: RecognizeOutput };
};
export type TaskKind = keyof TaskTable;

/** What a node says of itself to the room, on joining and whenever it changes (at most once a second). */
export type NodeStatus = {
  readonly peer: PeerId;
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly name: string;
  readonly build: string;
  readonly profile: DeviceProfile;
  /** Whether it works for others at all, and if not, why ("paused", "on battery", "this device only"). */
  readonly accepts: { readonly open: true } | { readonly open: false; readonly reason: string };
  readonly slots: number;
  readonly queued: number;
  /** Lazily measured; empty until then. */
  readonly speeds: readonly MeasuredSpeed[];
  readonly runtime: MeasuredSpeed['runtime'] | undefined;
  /** SHA-256 of the models it has ready, by task kind. */
  readonly models: Readonly<Partial<Record<TaskKind, Sha256>>>;
};

/**
 * A work receipt, version 1: what the worker did for the requester. Both sign the same bytes (deterministic CBOR of
 * the body); the id is the hash of the body without signatures. A receipt with one signature is a claim.
 */
export type ReceiptBody = {
  readonly v: 1;
  /** The task: unique per requester. One receipt per unit and worker can ever count. */
  readonly unit: TaskId;
  readonly job: JobId;
  readonly kind: TaskKind;
  readonly model: Sha256;
  readonly input: Sha256;
  readonly output: Sha256;
  readonly requester: { readonly account: AccountId; readonly deviceKey: Uint8Array };
  readonly worker: { readonly account: AccountId; readonly deviceKey: Uint8Array };
  /** `credits` follows from the input alone (src/inference/cost.ts); the times are what the worker measured. */
  readonly cost: {
    readonly milliCredits: MilliCredits;
    readonly pixels: number;
    readonly computeMs: number;
    readonly runtime: 'wasm' | 'webgpu';
    readonly threads: number;
  };
  /** Worker's wall clock, advisory. */
  readonly at: number;
};
export type WorkReceipt = {
  readonly id: ReceiptId;
  readonly body: ReceiptBody;
  readonly workerSignature: Signature;
  /** Absent while it is only a claim. */
  readonly requesterSignature?: Signature;
};

// ── Jobs, as the person and the dashboard see them ─────────────────────────────────────────────────────────────

export type PageSource = { readonly name: string; readonly file: Blob };

export type JobState =
  | { readonly phase: 'preparing' }
  | { readonly phase: 'running' }
  /** Nobody can work now: what is missing, and when it tries again (monotonic). */
  | { readonly phase: 'waiting'; readonly reason: string; readonly retryAt: Milliseconds }
  | { readonly phase: 'done'; readonly wallMs: Milliseconds }
  | { readonly phase: 'cancelled' }
  | { readonly phase: 'failed'; readonly reason: string };

export type LineView = {
  readonly id: string;
  readonly quad: Quad;
  readonly text: string;
  readonly confidence: number;
  /** Who read it, and who (if anybody) read it again and agreed. */
  readonly peer: PeerId;
  readonly checkedBy: PeerId | undefined;
};

export type PageView = {
  readonly index: number;
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly state:
    | { readonly phase: 'waiting' | 'detecting' | 'reading' | 'done' }
    /** This page can't be read; the others go on. */
    | { readonly phase: 'failed'; readonly reason: string };
  /** Found so far, in reading order once the page is done. */
  readonly lines: readonly LineView[];
  readonly expectedLines: number;
  /** What its tasks pay in all, whoever does them; of an unfinished page, as far as they are known. */
  readonly milliCredits: MilliCredits;
  /** The page's text, assembled in reading order. */
  readonly text: string;
};

export type WorkShare = {
  readonly peer: PeerId;
  readonly name: string;
  readonly runtime: 'wasm' | 'webgpu' | undefined;
  readonly tasks: number;
  readonly lines: number;
  readonly milliCredits: MilliCredits;
  /** Tasks taken from it again: it fell silent, was slow, failed, or its answer was wrong. */
  readonly lost: number;
  readonly wrong: number;
};

export type JobView = {
  readonly id: JobId;
  readonly kind: 'ocr';
  readonly createdAt: number;
  readonly state: JobState;
  readonly tasksDone: number;
  readonly tasksTotal: number;
  readonly pages: readonly PageView[];
  readonly workers: readonly WorkShare[];
  /** What happened, newest last, in words: reassignments, hedges, checks, refusals. */
  readonly events: readonly { readonly at: number; readonly text: string }[];
};

export type InferenceRequest = {
  readonly kind: 'ocr';
  readonly pages: readonly PageSource[];
  /** `alone`: the image doesn't leave this device. */
  readonly audience: 'room' | 'alone';
  /** At most this is paid for it, in whole µVC; without one the work is asked for as a favour. */
  readonly budget?: number;
  /** How those who are paid from it are chosen: a name that only the price gate understands. */
  readonly strategy?: string;
};

export type SubmitError = Fault<'empty' | 'too-many' | 'storage' | 'paused' | 'budget'>;

/**
 * What a budget goes through. The coordinator knows that a job may cost something, and nothing of money, markets or ledgers;
 * `app` fills this port.
 */
export interface PriceGate {
  /**
   * Sets the budget aside for the job, so that nobody can spend it elsewhere, and chooses among those who are here. Says in
   * words why the budget can't be set aside; if nobody could be chosen the job begins all the same.
   */
  reserve(
    job: JobId,
    terms: JobTerms,
    prospects: readonly Prospect[],
  ): Promise<Result<void, Fault<'budget'>>>;
  /** Undefined: nobody is to be preferred. Asked anew all the time, so that a job that goes on after a reload finds its own again. */
  preferences(job: JobId): ((account: AccountId) => Preference) | undefined;
  /** The job has ended, however it did: every receipt it owes is countersigned and handed on. Called again after a reload. */
  ended(job: JobId): void;
}

export type JobTerms = {
  readonly budget: number;
  readonly strategy: string | undefined;
  readonly pages: number;
};

/** What this node knows of another account that could take part of a job now. */
export type Prospect = {
  readonly account: AccountId;
  /** Milli-credits a second of all its nodes together: as this node measured, else as they say. 0: nobody knows. */
  readonly speed: number;
  /** Tasks that this node had to take from it, and answers that were wrong, since this page was opened. */
  readonly lost: number;
};

export type Preference =
  /** From 1, before all others, down to 0, only if nobody else can: its expected finish counts as 1/weight times as late. */
  | { readonly weight: number }
  /** It is not to be asked, and why. */
  | { readonly closed: string };

/** The name users of the original design know. */
export interface FederatedInferenceCoordinator {
  /** A node that joined or changed; the coordinator forgets it with `removeNode`. */
  registerNode(status: NodeStatus): void;
  removeNode(peer: PeerId, reason: string): void;
  submitInferenceRequest(request: InferenceRequest): Promise<Result<JobId, SubmitError>>;
  getRequestStatus(job: JobId): JobView | undefined;
  /** Stops the work everywhere; what was read stays. Idempotent. */
  cancelRequest(job: JobId): Promise<void>;
  /** Finishes jobs that a reload interrupted. */
  resumeStoredJobs(): Promise<void>;
  removeJob(job: JobId): Promise<void>;
  /** The page's file, to draw the boxes over. */
  getPageFile(job: JobId, page: number): Promise<Blob | undefined>;
  getSystemMetrics(): InferenceMetrics;
  /** What a node does for us and we for it. */
  peerWork(peer: PeerId): PeerWork;
  /** Tasks of others that are here now: what NodeStatus says as `queued`. */
  queued(): number;
  /** Limits, consent or power changed: whoever waits looks again at once. */
  reconsider(): void;
  readonly jobs: { get(): readonly JobView[]; readonly subscribe: Subscribe<readonly JobView[]> };
  /** Receipts as they become whole (both signatures) or claims; `app` keeps them. */
  readonly receipts: Subscribe<WorkReceipt>;
  close(): Promise<void>;
}

export type PeerWork = {
  /** Tasks of ours that it has now, and tasks of its that are here now. */
  readonly workingForUs: number;
  readonly workingForIt: number;
  readonly tasksDone: number;
  readonly wrong: number;
  /** closed: fine; open: left alone after failures; half-open: one trial. */
  readonly breaker: 'closed' | 'half-open' | 'open';
};

export type InferenceMetrics = {
  readonly nodes: number;
  readonly openNodes: number;
  readonly jobsRunning: number;
  readonly tasksRunning: number;
  readonly tasksDone: number;
  readonly tasksReassigned: number;
  readonly tasksHedged: number;
  readonly checksMade: number;
  readonly checksFailed: number;
  readonly servedForOthers: number;
};
