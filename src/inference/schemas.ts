/** Schemas of what peers tell each other and of what storage gives back; every size has a limit. */
import * as v from 'valibot';
import type { AccountId, DeviceId, JobId, PeerId, ReceiptId, Sha256, TaskId } from '../core/brand.ts';
import { byteCount, type MilliCredits, type Milliseconds, milliseconds } from '../core/brand.ts';
import type { Bytes } from '../core/bytes.ts';
import { bytesSchema, countSchema, finiteSchema, recordSchema } from '../core/schema.ts';
import type { NodeStatus, ReceiptBody } from './contracts.ts';
import { lineHeight, type Quad } from './ocr/types.ts';

export const inferenceLimits = {
  /** Packed pixels of one task. A rough white page packs to a tenth of it; noise does not fit, and is refused. */
  maxInputBytes: 8 * 1024 * 1024,
  maxDetectSide: 4096,
  maxDetectPixels: 6_000_000,
  maxLineWidth: 8192,
  maxLinesPerTask: 64,
  maxBoxes: 4_000,
  maxTextLength: 4_000,
  maxReceiptsPerMessage: 100,
} as const;

/** A copy of its own: decoded messages share one buffer, which a kept view would keep alive. */
const ownBytes = v.transform((bytes: Uint8Array<ArrayBuffer>): Bytes => new Uint8Array(bytes));
const exactBytes = (length: number) =>
  v.pipe(v.instance(Uint8Array), v.length(length, `must have ${length} bytes`), ownBytes);

const idText = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/, 'not a 43-character id'));
const branded = <Id extends string>() =>
  v.pipe(
    idText,
    v.transform((text) => text as Id),
  );
export const peerIdSchema = branded<PeerId>();
export const accountIdSchema = branded<AccountId>();
const deviceIdSchema = branded<DeviceId>();
export const receiptIdSchema = branded<ReceiptId>();
const shortId = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{16,64}$/, 'not an id'));
export const jobIdSchema = v.pipe(
  shortId,
  v.transform((text) => text as JobId),
);
export const taskIdSchema = v.pipe(
  shortId,
  v.transform((text) => text as TaskId),
);
export const sha256Schema = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]{64}$/, 'not a SHA-256'),
  v.transform((text) => text as Sha256),
);

const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
/** CBOR leaves `undefined` members out; here they come back as members that are undefined. */
const orNotReported = <Schema extends v.GenericSchema>(schema: Schema) => v.optional(schema, () => undefined);
const shareSchema = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const positiveSchema = v.pipe(finiteSchema, v.minValue(0));

export const quadSchema = v.pipe(
  v.array(finiteSchema),
  v.length(8),
  v.transform((numbers) => numbers as unknown as Quad),
);

// ── Inputs and outputs ─────────────────────────────────────────────────────────────────────────────────────────

const sideSchema = (max: number) => v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(max));
const packedBytes = v.pipe(
  bytesSchema(inferenceLimits.maxInputBytes),
  v.minLength(1, 'has no pixels'),
  ownBytes,
);

export const detectInputSchema = v.strictObject({
  image: v.pipe(
    v.strictObject({
      width: v.pipe(sideSchema(inferenceLimits.maxDetectSide), v.multipleOf(32)),
      height: v.pipe(sideSchema(inferenceLimits.maxDetectSide), v.multipleOf(32)),
      data: packedBytes,
    }),
    v.check(
      ({ width, height }) => width * height <= inferenceLimits.maxDetectPixels,
      `image has more than ${inferenceLimits.maxDetectPixels} pixels`,
    ),
  ),
});

export const recognizeInputSchema = v.strictObject({
  lines: v.pipe(
    v.array(
      v.strictObject({
        width: sideSchema(inferenceLimits.maxLineWidth),
        height: v.literal(lineHeight),
        data: packedBytes,
      }),
    ),
    v.minLength(1, 'no lines to read'),
    v.maxLength(inferenceLimits.maxLinesPerTask),
    v.check(
      (lines) => lines.reduce((sum, { data }) => sum + data.byteLength, 0) <= inferenceLimits.maxInputBytes,
      `lines have more than ${inferenceLimits.maxInputBytes} bytes together`,
    ),
  ),
});

export const detectOutputSchema = v.strictObject({
  boxes: v.pipe(
    v.array(v.strictObject({ quad: quadSchema, score: shareSchema })),
    v.maxLength(inferenceLimits.maxBoxes),
  ),
});
export const recognizeOutputSchema = v.strictObject({
  lines: v.pipe(
    v.array(v.strictObject({ text: text(inferenceLimits.maxTextLength), confidence: shareSchema })),
    v.maxLength(inferenceLimits.maxLinesPerTask),
  ),
});

// ── Receipts ───────────────────────────────────────────────────────────────────────────────────────────────────

const partySchema = v.strictObject({ account: accountIdSchema, deviceKey: exactBytes(32) });
export const receiptBodySchema = v.strictObject({
  v: v.literal(1),
  unit: taskIdSchema,
  job: jobIdSchema,
  kind: v.picklist(['ocr.detect', 'ocr.recognize']),
  model: sha256Schema,
  input: sha256Schema,
  output: sha256Schema,
  requester: partySchema,
  worker: partySchema,
  cost: v.strictObject({
    milliCredits: v.pipe(
      countSchema(1_000_000_000),
      v.transform((n) => n as MilliCredits),
    ),
    pixels: countSchema(1_000_000_000),
    computeMs: countSchema(86_400_000),
    runtime: v.picklist(['wasm', 'webgpu']),
    threads: countSchema(1_024),
  }),
  at: countSchema(Number.MAX_SAFE_INTEGER),
}) satisfies v.GenericSchema<unknown, ReceiptBody>;

export const signatureSchema = exactBytes(64);
export const claimSchema = v.strictObject({
  id: receiptIdSchema,
  body: receiptBodySchema,
  workerSignature: signatureSchema,
});
export const receiptSchema = v.strictObject({
  ...claimSchema.entries,
  requesterSignature: v.exactOptional(signatureSchema),
});

// ── Presence ───────────────────────────────────────────────────────────────────────────────────────────────────

const byteCountSchema = v.pipe(positiveSchema, v.transform(byteCount));
const millisecondsSchema = v.pipe(
  positiveSchema,
  v.transform((n): Milliseconds => milliseconds(n)),
);

const gpuSchema = v.variant('kind', [
  v.strictObject({ kind: v.literal('none'), reason: text(300) }),
  v.strictObject({
    kind: v.literal('adapter'),
    vendor: orNotReported(text(200)),
    architecture: orNotReported(text(200)),
    description: orNotReported(text(300)),
    software: v.boolean(),
    features: v.pipe(v.array(text(100)), v.maxLength(100)),
    limits: v.strictObject({
      maxBufferSize: byteCountSchema,
      maxStorageBufferBindingSize: byteCountSchema,
      maxComputeWorkgroupStorageSize: byteCountSchema,
      maxComputeInvocationsPerWorkgroup: positiveSchema,
    }),
  }),
]);

const profileSchema = v.strictObject({
  label: text(200),
  mobile: v.boolean(),
  cores: orNotReported(countSchema(4_096)),
  memoryGiB: orNotReported(positiveSchema),
  gpu: gpuSchema,
  battery: orNotReported(v.strictObject({ charging: v.boolean(), level: shareSchema })),
  network: orNotReported(
    v.strictObject({
      effectiveType: orNotReported(text(20)),
      downlinkMbps: orNotReported(positiveSchema),
      rtt: orNotReported(millisecondsSchema),
      saveData: v.boolean(),
    }),
  ),
  storage: orNotReported(
    v.strictObject({ quota: byteCountSchema, usage: byteCountSchema, persisted: v.boolean() }),
  ),
  crossOriginIsolated: v.boolean(),
});

const speedSchema = v.strictObject({
  runtime: v.picklist(['wasm', 'webgpu']),
  threads: countSchema(1_024),
  workers: countSchema(1_024),
  megapixelsPerSecond: recordSchema(text(40), positiveSchema),
  version: text(400),
  measuredAt: positiveSchema,
});

export const nodeStatusSchema = v.strictObject({
  peer: peerIdSchema,
  account: accountIdSchema,
  device: deviceIdSchema,
  name: text(80),
  build: text(64),
  profile: profileSchema,
  accepts: v.variant('open', [
    v.strictObject({ open: v.literal(true) }),
    v.strictObject({ open: v.literal(false), reason: text(300) }),
  ]),
  slots: countSchema(256),
  queued: countSchema(100_000),
  speeds: v.pipe(v.array(speedSchema), v.maxLength(4)),
  runtime: orNotReported(v.picklist(['wasm', 'webgpu'])),
  models: v.strictObject({
    'ocr.detect': v.exactOptional(sha256Schema),
    'ocr.recognize': v.exactOptional(sha256Schema),
  }),
}) satisfies v.GenericSchema<unknown, NodeStatus>;
