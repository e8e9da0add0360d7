/** What storage gives back, checked: a tab of another version, or a broken disk, may have written it. */
import * as v from 'valibot';
import { parseWith } from '../core/schema.ts';
import type { StoredJob, StoredResult } from './jobStore.ts';
import {
  accountIdSchema,
  detectOutputSchema,
  jobIdSchema,
  peerIdSchema,
  receiptSchema,
  taskIdSchema,
} from './schemas.ts';

const positive = v.pipe(v.number(), v.finite(), v.minValue(0));
const index = v.pipe(v.number(), v.integer(), v.minValue(0));

const storedJobSchema = v.object({
  v: v.literal(1),
  id: jobIdSchema,
  kind: v.literal('ocr'),
  createdAt: positive,
  audience: v.picklist(['room', 'alone']),
  pages: v.pipe(v.array(v.object({ name: v.string() })), v.minLength(1)),
  end: v.variant('phase', [
    v.object({ phase: v.literal('unfinished') }),
    v.object({ phase: v.literal('done'), wallMs: positive }),
    v.object({ phase: v.literal('cancelled') }),
    v.object({ phase: v.literal('failed'), reason: v.string() }),
  ]),
}) satisfies v.GenericSchema<unknown, StoredJob>;

const acceptedEntries = {
  v: v.literal(1),
  task: taskIdSchema,
  page: index,
  by: v.object({
    peer: peerIdSchema,
    account: accountIdSchema,
    name: v.string(),
    runtime: v.optional(v.picklist(['wasm', 'webgpu']), () => undefined),
    milliCredits: index,
  }),
  checkedBy: v.optional(peerIdSchema, () => undefined),
  checkWanted: v.optional(v.boolean(), false),
  claim: v.optional(receiptSchema, () => undefined),
};
const storedResultSchema = v.variant('kind', [
  v.object({
    ...acceptedEntries,
    kind: v.literal('ocr.detect'),
    width: positive,
    height: positive,
    inputWidth: v.pipe(positive, v.minValue(1)),
    inputHeight: v.pipe(positive, v.minValue(1)),
    boxes: detectOutputSchema.entries.boxes,
  }),
  v.object({
    ...acceptedEntries,
    kind: v.literal('ocr.recognize'),
    lines: v.array(v.object({ index, text: v.string(), confidence: positive })),
  }),
  v.object({
    v: v.literal(1),
    task: taskIdSchema,
    page: index,
    kind: v.literal('page-failed'),
    reason: v.string(),
  }),
]) satisfies v.GenericSchema<unknown, StoredResult>;

export const parseStoredJob = (stored: unknown) => parseWith(storedJobSchema, stored);
export const parseStoredResult = (stored: unknown) => parseWith(storedResultSchema, stored);
