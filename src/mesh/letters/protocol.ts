/**
 * Letters, version 1: messages to one tab over the hands of others, on the `letters` channel. One message = one CBOR map
 * with `t`:
 *
 *   letter  ttl letter    letter = CBOR {body, nodeKey, signature}
 *   ack     id ack        ack = CBOR {body, nodeKey, signature}: back along the way the letter came
 *   lost    id why        a tab on the way could not pass it on: the sender may try another way at once
 *
 * letter's body   {v: 1, room, from, to, id: bytes(16), at, payload: bytes ≤ 64 KiB}, signed by the sender's tab under
 *                 "aivillage/letter/1"
 * ack's body      {v: 1, room, id, from}, signed by the receiver's tab under "aivillage/letter-ack/1"
 *
 * Why an ack is signed: a tab on the way must not be able to say that a letter arrived. Why `lost` isn't: it can only make
 * the sender try again, which it would do anyway. Letters are signed, not sealed: whoever passes one on can read it.
 */
import * as v from 'valibot';
import type { PeerId, RoomId } from '../../core/brand.ts';
import { type Bytes, concatBytes, utf8 } from '../../core/bytes.ts';
import { type CborValue, encodeCbor } from '../../core/codec.ts';
import type { CryptoPort, SigningKey } from '../../core/ports/crypto.ts';
import { err, type Fault, fault, ok, type Result } from '../../core/result.ts';
import { bytesSchema, countSchema, decodeWith } from '../../core/schema.ts';
import { peerIdOf } from '../../identity/ids.ts';
import { peerIdSchema, roomIdSchema } from '../signaling/protocol.ts';

export const letterLimits = {
  maxPayloadBytes: 64 * 1024,
  maxLetterBytes: 66 * 1024,
  maxMessageBytes: 68 * 1024,
  maxHops: 8,
  idBytes: 16,
} as const;

const exactly = (length: number) => v.pipe(bytesSchema(length), v.minLength(length));
const idSchema = exactly(letterLimits.idBytes);

const messageSchema = v.variant('t', [
  v.object({
    t: v.literal('letter'),
    ttl: countSchema(letterLimits.maxHops),
    letter: bytesSchema(letterLimits.maxLetterBytes),
  }),
  v.object({ t: v.literal('ack'), id: idSchema, ack: bytesSchema(512) }),
  v.object({ t: v.literal('lost'), id: idSchema, why: v.pipe(v.string(), v.maxLength(120)) }),
]);
export type LetterMessage = v.InferOutput<typeof messageSchema>;

const signedSchema = v.object({
  body: bytesSchema(letterLimits.maxLetterBytes),
  nodeKey: exactly(32),
  signature: exactly(64),
});
const letterSchema = v.object({
  v: v.literal(1),
  room: roomIdSchema,
  from: peerIdSchema,
  to: peerIdSchema,
  id: idSchema,
  at: countSchema(Number.MAX_SAFE_INTEGER),
  payload: bytesSchema(letterLimits.maxPayloadBytes),
});
export type Letter = v.InferOutput<typeof letterSchema>;
const ackSchema = v.object({ v: v.literal(1), room: roomIdSchema, id: idSchema, from: peerIdSchema });
export type Ack = v.InferOutput<typeof ackSchema>;

const decodeLimits = { maxBytes: letterLimits.maxMessageBytes, maxDepth: 3 };
export const encodeLetterMessage = (message: LetterMessage): Bytes =>
  encodeCbor(message as unknown as CborValue);
export const decodeLetterMessage = (bytes: Uint8Array): Result<LetterMessage, Fault> =>
  decodeWith(messageSchema, bytes, decodeLimits);

const sign = async (domain: string, body: Letter | Ack, signer: SigningKey): Promise<Bytes> => {
  const bytes = encodeCbor(body as unknown as CborValue);
  const signature = await signer.sign(concatBytes(utf8(domain), bytes));
  return encodeCbor({ body: bytes, nodeKey: signer.publicKey, signature });
};
const letterDomain = 'aivillage/letter/1';
const ackDomain = 'aivillage/letter-ack/1';
export const signLetter = (letter: Letter, signer: SigningKey): Promise<Bytes> =>
  sign(letterDomain, letter, signer);
export const signAck = (ack: Ack, signer: SigningKey): Promise<Bytes> => sign(ackDomain, ack, signer);

/** For whoever passes it on: to whom, and what its number is. Nothing in it is proven yet. */
export const readLetter = (bytes: Uint8Array): Result<Letter, Fault> => {
  const signed = decodeWith(signedSchema, bytes, decodeLimits);
  return signed.ok ? decodeWith(letterSchema, signed.value.body, decodeLimits) : signed;
};

/** For its receiver: written by whom it says, in this room. */
export const openLetter = async (
  bytes: Uint8Array,
  room: RoomId,
  crypto: CryptoPort,
): Promise<Result<Letter, Fault>> => {
  const letter = readLetter(bytes);
  if (!letter.ok) return letter;
  const holds = await isSignedBy(bytes, letterDomain, letter.value.from, crypto);
  if (letter.value.room !== room) return err(fault('letter', 'it was written in another room'));
  return holds ? letter : err(fault('letter', 'the signature does not hold'));
};

export const openAck = async (
  bytes: Uint8Array,
  expected: { readonly room: RoomId; readonly from: PeerId },
  crypto: CryptoPort,
): Promise<Result<Ack, Fault>> => {
  const signed = decodeWith(signedSchema, bytes, decodeLimits);
  if (!signed.ok) return signed;
  const ack = decodeWith(ackSchema, signed.value.body, decodeLimits);
  if (!ack.ok) return ack;
  if (ack.value.room !== expected.room || ack.value.from !== expected.from)
    return err(fault('letter', 'the acknowledgement is of another tab or room'));
  const holds = await isSignedBy(bytes, ackDomain, expected.from, crypto);
  return holds ? ok(ack.value) : err(fault('letter', 'the signature does not hold'));
};

const isSignedBy = async (
  bytes: Uint8Array,
  domain: string,
  peer: PeerId,
  crypto: CryptoPort,
): Promise<boolean> => {
  const signed = decodeWith(signedSchema, bytes, decodeLimits);
  if (!signed.ok) return false;
  const { body, nodeKey, signature } = signed.value;
  return (
    peerIdOf(nodeKey) === peer && (await crypto.verify(nodeKey, concatBytes(utf8(domain), body), signature))
  );
};
