/**
 * Administrative acts of a private swarm, version 1: who may do what, as an audit log that every member keeps and checks.
 * An act = CBOR {body: bytes, signature: bytes(64)}; the signature is the author's device key over
 * "aivillage/admission-act/1" ‖ body; the id is base64url of SHA-256 over "aivillage/admission-act-id/1" ‖ body.
 *
 * body            {v: 1, swarm, certificate, seq, previous, lamport, at, deed, token?}
 *   swarm         the room id: an act is of one swarm
 *   certificate   the author's device certificate: it leads from the key that signed to an account
 *   seq, previous the place in this device's own chain, from 0; the id of the act before it, or 43 × "A"
 *   lamport       one more than the highest the author knew, from 1
 *   at            Unix ms by the swarm's clock, for people and for the token's times; it decides no order
 *   deed          what is done, see `deedSchema`
 *   token         the author's capability as operator, valid at `at`; the founder needs none
 *
 * Why a chain for each device: two devices of one person can't know of each other's acts while apart, and one device always
 * knows its own. Two acts of one device with one seq are proof that it lied.
 * Why (lamport, id) is the order: it is the same on every peer whatever arrived first, and what somebody knew comes before
 * what he did. Why lamports leave no gap: a peer that sees one asks for what is between, and a liar can't use up the numbers.
 * Why the id is of the body alone: one body can be signed in many ways, and they are all one act.
 * Why `ends`: an operator who is withdrawn could date an act back, before the withdrawal. So the withdrawal names the last
 * act of each of its devices that counts.
 * Why the limits: everybody keeps every act for ever.
 */
import * as v from 'valibot';
import type { AccountId, Brand, DeviceId, RoomId } from '../core/brand.ts';
import { bytesSchema, countSchema } from '../core/schema.ts';
import { deviceCertificateSchema } from '../identity/certificates.ts';

export const admissionLimits = {
  maxActBytes: 2 * 1024,
  maxActs: 2_000,
  /** So that the founder can still end a flood of an operator's. */
  maxActsOfOperators: 1_500,
  maxReasonLength: 140,
  maxNameLength: 40,
  maxTokenLength: 1_100,
  /** Devices of one operator whose acts a withdrawal can let stand. */
  maxEnds: 8,
  /** Acts in one answer to `admission.sync`. */
  pageActs: 64,
  /** Of an id, when two peers compare what they have. */
  prefixBytes: 16,
  maxDepth: 4,
} as const;

export type ActId = Brand<string, 'ActId'>;
/** Where a chain begins. */
export const noAct = 'A'.repeat(43) as ActId;

export const roles = ['operator', 'keeper'] as const;
export type Role = (typeof roles)[number];

const id43 = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/, 'not an id'));
const brandedId = <Id extends string>() =>
  v.pipe(
    id43,
    v.transform((id) => id as Id),
  );
export const accountIdSchema = brandedId<AccountId>();
const actIdSchema = brandedId<ActId>();
export const roleSchema = v.picklist(roles);

/** Of one line: control characters would let a reason forge the look of the page around it. */
const lineSchema = (maxLength: number) =>
  v.pipe(v.string(), v.minLength(1), v.maxLength(maxLength), v.regex(/^\P{C}+$/u, 'not one line of text'));

const endsSchema = v.pipe(
  v.array(
    v.strictObject({
      device: brandedId<DeviceId>(),
      seq: countSchema(admissionLimits.maxActs),
      id: actIdSchema,
    }),
  ),
  v.maxLength(admissionLimits.maxEnds),
);

/** Whom a deed is about. `called`: the name that its author saw, because who is gone tells his no more; proves nothing. */
const about = {
  account: accountIdSchema,
  called: v.optional(lineSchema(admissionLimits.maxNameLength)),
};
export const deedSchema = v.variant('t', [
  v.strictObject({ t: v.literal('grant'), ...about, role: roleSchema }),
  v.strictObject({ t: v.literal('withdraw'), ...about, role: roleSchema, ends: v.optional(endsSchema) }),
  v.strictObject({
    t: v.literal('remove'),
    ...about,
    reason: lineSchema(admissionLimits.maxReasonLength),
    ends: v.optional(endsSchema),
  }),
  v.strictObject({ t: v.literal('readmit'), ...about }),
  v.strictObject({ t: v.literal('rename'), name: lineSchema(admissionLimits.maxNameLength) }),
]);
export type Deed = v.InferOutput<typeof deedSchema>;
export type ChainEnd = v.InferOutput<typeof endsSchema>[number];

export const bodySchema = v.strictObject({
  v: v.literal(1),
  swarm: brandedId<RoomId>(),
  certificate: deviceCertificateSchema,
  seq: countSchema(admissionLimits.maxActs),
  previous: actIdSchema,
  lamport: v.pipe(countSchema(admissionLimits.maxActs + 1), v.minValue(1)),
  at: countSchema(Number.MAX_SAFE_INTEGER),
  deed: deedSchema,
  token: v.optional(v.pipe(v.string(), v.maxLength(admissionLimits.maxTokenLength))),
});
export type ActBody = v.InferOutput<typeof bodySchema>;

export const envelopeSchema = v.strictObject({
  body: bytesSchema(admissionLimits.maxActBytes),
  signature: v.pipe(bytesSchema(64), v.minLength(64)),
});
