import type { AccountId, JobId, PeerId, TaskId } from '../core/brand.ts';
import type { InferenceRequest, WorkReceipt } from './contracts.ts';
import type { DetectOutput } from './ocr/types.ts';

/** A job as it is kept: enough to go on after a crash, and to show it again years later. */
export type StoredJob = {
  readonly v: 1;
  readonly id: JobId;
  readonly kind: 'ocr';
  /** Wall clock, milliseconds since the Unix epoch. */
  readonly createdAt: number;
  readonly audience: InferenceRequest['audience'];
  readonly pages: readonly { readonly name: string }[];
  readonly end:
    | { readonly phase: 'unfinished' }
    | { readonly phase: 'done'; readonly wallMs: number }
    | { readonly phase: 'cancelled' }
    | { readonly phase: 'failed'; readonly reason: string };
};

/** Who gave an accepted answer, as far as the job's view needs it after a reload. */
export type StoredAuthor = {
  readonly peer: PeerId;
  readonly account: AccountId;
  readonly name: string;
  readonly runtime: 'wasm' | 'webgpu' | undefined;
  readonly milliCredits: number;
};

type Accepted = {
  readonly v: 1;
  readonly task: TaskId;
  readonly page: number;
  readonly by: StoredAuthor;
  readonly checkedBy: PeerId | undefined;
  /** It was drawn to be recomputed elsewhere, and that has not happened yet: a crash must not spare a liar. */
  readonly checkWanted: boolean;
  /** The worker's half-signed receipt while we still owe it our signature. */
  readonly claim: WorkReceipt | undefined;
};

/** One accepted answer. Its key is `task`: writing it again replaces it, so that nothing stands twice. */
export type StoredResult =
  | (Accepted & {
      readonly kind: 'ocr.detect';
      readonly width: number;
      readonly height: number;
      /** The detector's input; `boxes` are in its pixels, so that a later check can compare them. */
      readonly inputWidth: number;
      readonly inputHeight: number;
      readonly boxes: DetectOutput['boxes'];
    })
  | (Accepted & {
      readonly kind: 'ocr.recognize';
      /** `index` counts the page's quads. */
      readonly lines: readonly {
        readonly index: number;
        readonly text: string;
        readonly confidence: number;
      }[];
    })
  | {
      readonly v: 1;
      readonly task: TaskId;
      readonly page: number;
      readonly kind: 'page-failed';
      readonly reason: string;
    };

/**
 * Where jobs outlive their tab. Every write resolves when it is kept and rejects when it could not be (the
 * coordinator then goes on in memory and says so). What it lists is `unknown`: a tab of another version may have
 * written it, so the reader checks it.
 */
export interface JobStore {
  readonly durable: boolean;
  /** Writes or replaces the record alone; files and results stay. */
  putJob(job: StoredJob): Promise<void>;
  /** The pages as the person gave them, in order; written once per job. */
  putFiles(job: JobId, files: readonly Blob[]): Promise<void>;
  getFile(job: JobId, page: number): Promise<Blob | undefined>;
  putResult(job: JobId, result: StoredResult): Promise<void>;
  deleteResult(job: JobId, task: TaskId): Promise<void>;
  listJobs(): Promise<readonly unknown[]>;
  listResults(job: JobId): Promise<readonly unknown[]>;
  /** Record, files and results. */
  deleteJob(job: JobId): Promise<void>;
}

/** For private windows and tests: kept as long as the page. */
export const createMemoryJobStore = (): JobStore => {
  const jobsById = new Map<JobId, StoredJob>();
  const filesByJob = new Map<JobId, readonly Blob[]>();
  const resultsByJob = new Map<JobId, Map<TaskId, StoredResult>>();
  return {
    durable: false,
    async putJob(job) {
      jobsById.set(job.id, job);
    },
    async putFiles(job, files) {
      filesByJob.set(job, [...files]);
    },
    getFile: async (job, page) => filesByJob.get(job)?.[page],
    async putResult(job, result) {
      const results = resultsByJob.get(job) ?? new Map<TaskId, StoredResult>();
      resultsByJob.set(job, results.set(result.task, result));
    },
    async deleteResult(job, task) {
      resultsByJob.get(job)?.delete(task);
    },
    listJobs: async () => [...jobsById.values()],
    listResults: async (job) => [...(resultsByJob.get(job)?.values() ?? [])],
    async deleteJob(job) {
      jobsById.delete(job);
      filesByJob.delete(job);
      resultsByJob.delete(job);
    },
  };
};
