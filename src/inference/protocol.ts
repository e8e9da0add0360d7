/**
 * Inference protocol, version 1: what nodes of a room ask each other once they are linked. Every method is a typed
 * remote procedure (src/mesh/rpc): its schemas are checked on both sides, so a handler never sees a malformed input
 * and a caller never sees a malformed answer.
 *
 *   node.status      "this is what I am and can do"; one way, at most once a second
 *   ocr.detect       pixels of a page at the detector's size → quads
 *   ocr.recognize    pixels of up to 64 lines → text and confidence
 *   receipt.settle   requester → worker: our signature under your claims
 *   receipt.reclaim  worker → requester, after a reconnect: claims that still lack your signature
 *
 * Why the request carries `inputHash`: the worker refuses to work on bytes that changed on the way, and both sign the
 * same hash. Why `model`: two builds with different models would disagree honestly, so they don't work for each other.
 * Why `unit` is the same when a task is recomputed as a check: a worker must not see that it is being checked.
 * Why the claim travels with the answer: an answer without a claim is a gift, a claim without an answer is nothing.
 * Sizes: see `inferenceLimits`; the largest message is one task's input, under the link's 16 MiB.
 */
import * as v from 'valibot';
import type { JobId, ReceiptId, Sha256, TaskId } from '../core/brand.ts';
import type { Signature } from '../core/ports/crypto.ts';
import type { Method } from '../mesh/contracts.ts';
import type { NodeStatus, TaskKind, TaskTable, WorkReceipt } from './contracts.ts';
import {
  claimSchema,
  detectInputSchema,
  detectOutputSchema,
  inferenceLimits,
  jobIdSchema,
  nodeStatusSchema,
  receiptIdSchema,
  receiptSchema,
  recognizeInputSchema,
  recognizeOutputSchema,
  sha256Schema,
  signatureSchema,
  taskIdSchema,
} from './schemas.ts';

export const inferenceProtocol = 1;

export type TaskRequest<Kind extends TaskKind> = {
  readonly unit: TaskId;
  readonly job: JobId;
  readonly model: Sha256;
  readonly inputHash: Sha256;
  readonly input: TaskTable[Kind]['input'];
};
export type TaskResponse<Kind extends TaskKind> = {
  readonly output: TaskTable[Kind]['output'];
  /** Half-signed. null inside one account, where work earns nothing. */
  readonly claim: WorkReceipt | null;
};
export type TaskProgress = { readonly phase: 'queued' | 'running' };
export type TaskMethod<Kind extends TaskKind> = Method<TaskRequest<Kind>, TaskResponse<Kind>, TaskProgress>;

const requestEntries = {
  unit: taskIdSchema,
  job: jobIdSchema,
  model: sha256Schema,
  inputHash: sha256Schema,
};
const progressSchema = v.strictObject({ phase: v.picklist(['queued', 'running']) });

export const taskMethods: { readonly [Kind in TaskKind]: TaskMethod<Kind> } = {
  'ocr.detect': {
    name: 'ocr.detect',
    input: v.strictObject({ ...requestEntries, input: detectInputSchema }),
    output: v.strictObject({ output: detectOutputSchema, claim: v.nullable(claimSchema) }),
    progress: progressSchema,
    priority: 'bulk',
  },
  'ocr.recognize': {
    name: 'ocr.recognize',
    input: v.strictObject({ ...requestEntries, input: recognizeInputSchema }),
    output: v.strictObject({ output: recognizeOutputSchema, claim: v.nullable(claimSchema) }),
    progress: progressSchema,
    priority: 'bulk',
  },
};

export type Countersignature = { readonly id: ReceiptId; readonly signature: Signature };
const many = <Schema extends v.GenericSchema>(schema: Schema) =>
  v.pipe(v.array(schema), v.maxLength(inferenceLimits.maxReceiptsPerMessage));

/**
 * Answers with the ids that the worker now holds whole; the requester forgets those. Whole receipts travel, so that any
 * tab of the worker's device can take them.
 */
export const settleMethod: Method<
  { readonly receipts: readonly WorkReceipt[] },
  { readonly kept: readonly ReceiptId[] },
  null
> = {
  name: 'receipt.settle',
  input: v.strictObject({ receipts: many(receiptSchema) }),
  output: v.strictObject({ kept: many(receiptIdSchema) }),
  progress: v.null(),
  priority: 'control',
};

/**
 * `signed` come with signatures; `refused` will never be (another answer stood, or this one was wrong); the rest wait
 * for the job's end.
 */
export const reclaimMethod: Method<
  { readonly claims: readonly WorkReceipt[] },
  { readonly signed: readonly Countersignature[]; readonly refused: readonly ReceiptId[] },
  null
> = {
  name: 'receipt.reclaim',
  input: v.strictObject({ claims: many(claimSchema) }),
  output: v.strictObject({
    signed: many(v.strictObject({ id: receiptIdSchema, signature: signatureSchema })),
    refused: many(receiptIdSchema),
  }),
  progress: v.null(),
  priority: 'control',
};

export const statusMethod: Method<NodeStatus, null, null> = {
  name: 'node.status',
  input: nodeStatusSchema,
  output: v.null(),
  progress: v.null(),
  priority: 'control',
};
