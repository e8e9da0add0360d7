/**
 * Envelopes, version 2: what two tabs say to each other through the signaling server before they have a link.
 *
 * The room's seal (roomSeal.ts) over CBOR {body: bytes, nodeKey: bytes(32), signature: bytes(64)}; body is CBOR of
 * EnvelopeBody; the signature is the sender's node key over "aivillage/envelope/2" ‖ body.
 *
 *   kind            carries                 says
 *   offer, answer   sdp, fingerprint        how to connect directly, and with which DTLS certificate
 *   candidate       candidate               one more address to try
 *   carried-offer,  key                     the X25519 key of this session, for a link through the server
 *   carried-answer
 *
 * Why sealed: only who was given the room's link may be linked with, and addresses are nobody else's business.
 * Why signed: the server relays these. It must not be able to put itself between two tabs, so each offer and answer is
 * bound to room, sender, receiver, session and the certificate or key that the sender will use.
 * Why a session nonce: an answer or candidate of an earlier attempt must not disturb a newer one.
 */
import * as v from 'valibot';
import type { PeerId, RoomId } from '../../core/brand.ts';
import { type Bytes, concatBytes, utf8 } from '../../core/bytes.ts';
import { type CborValue, encodeCbor } from '../../core/codec.ts';
import type { CryptoPort, SigningKey } from '../../core/ports/crypto.ts';
import { err, type Fault, fault, ok, type Result } from '../../core/result.ts';
import { bytesSchema, countSchema, decodeWith } from '../../core/schema.ts';
import { peerIdOf } from '../../identity/ids.ts';
import { peerIdSchema, roomIdSchema, signalingLimits } from '../signaling/protocol.ts';
import { fingerprintOfSdp } from './fingerprint.ts';
import type { RoomSeal } from './roomSeal.ts';

const limits = { maxBytes: signalingLimits.maxPayloadBytes, maxDepth: 5 };
const sdpSchema = v.pipe(v.string(), v.maxLength(32_000));
const fingerprintSchema = v.pipe(v.string(), v.maxLength(128));

const signalSchema = v.variant('kind', [
  v.object({ kind: v.picklist(['offer', 'answer']), sdp: sdpSchema, fingerprint: fingerprintSchema }),
  v.object({
    kind: v.literal('candidate'),
    candidate: v.object({
      candidate: v.pipe(v.string(), v.maxLength(2_000)),
      sdpMid: v.nullable(v.pipe(v.string(), v.maxLength(64))),
      sdpMLineIndex: v.nullable(countSchema(16)),
    }),
  }),
  v.object({
    kind: v.picklist(['carried-offer', 'carried-answer']),
    key: v.pipe(bytesSchema(32), v.minLength(32)),
  }),
]);
export type EnvelopeSignal = v.InferOutput<typeof signalSchema>;

const bodySchema = v.object({
  v: v.literal(2),
  room: roomIdSchema,
  from: peerIdSchema,
  to: peerIdSchema,
  session: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{22}$/)),
  signal: signalSchema,
});
export type EnvelopeBody = v.InferOutput<typeof bodySchema>;

const envelopeSchema = v.object({
  body: bytesSchema(limits.maxBytes),
  nodeKey: v.pipe(bytesSchema(32), v.minLength(32)),
  signature: v.pipe(bytesSchema(64), v.minLength(64)),
});

const signedBytes = (body: Uint8Array): Bytes => concatBytes(utf8('aivillage/envelope/2'), body);

export const sealEnvelope = async (
  body: EnvelopeBody,
  deps: { readonly signer: SigningKey; readonly seal: RoomSeal },
): Promise<Bytes> => {
  const bytes = encodeCbor(body as unknown as CborValue);
  const signature = await deps.signer.sign(signedBytes(bytes));
  return deps.seal.seal(encodeCbor({ body: bytes, nodeKey: deps.signer.publicKey, signature }), body);
};

/** Everything the receiver must know before it acts: who, to whom, in which room, with which certificate. */
export const openEnvelope = async (
  bytes: Uint8Array,
  expected: { readonly room: RoomId; readonly from: PeerId; readonly to: PeerId },
  deps: { readonly crypto: Pick<CryptoPort, 'verify'>; readonly seal: RoomSeal },
): Promise<Result<EnvelopeBody, Fault<'envelope'>>> => {
  const refuse = (message: string) => err(fault('envelope', message));
  const unsealed = await deps.seal.open(bytes, expected);
  if (!unsealed) return refuse("it was not sealed with this room's key: its sender was not given the link");
  const envelope = decodeWith(envelopeSchema, unsealed, limits);
  if (!envelope.ok) return refuse(envelope.error.message);
  const { body: bodyBytes, nodeKey, signature } = envelope.value;
  if (peerIdOf(nodeKey) !== expected.from)
    return refuse('the key is not that of the sender the server named');
  if (!(await deps.crypto.verify(nodeKey, signedBytes(bodyBytes), signature)))
    return refuse('the signature does not hold');
  const body = decodeWith(bodySchema, bodyBytes, limits);
  if (!body.ok) return refuse(body.error.message);
  const { room, from, to, signal } = body.value;
  if (room !== expected.room || from !== expected.from || to !== expected.to) {
    return refuse('it was signed for another room, sender or receiver');
  }
  if (signal.kind === 'offer' || signal.kind === 'answer') {
    const fingerprint = fingerprintOfSdp(signal.sdp);
    if (!fingerprint.ok) return refuse(fingerprint.error.message);
    if (fingerprint.value !== signal.fingerprint)
      return refuse('the certificate differs from the signed one');
  }
  return ok(body.value);
};
