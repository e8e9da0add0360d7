import type { AccountId, DeviceId, RoomId } from '../core/brand.ts';
import { type Bytes, concatBytes, fromBase64url, utf8 } from '../core/bytes.ts';
import { type CborValue, encodeCbor } from '../core/codec.ts';
import { sha256Base64url } from '../core/hash.ts';
import type { CryptoPort, SigningKey } from '../core/ports/crypto.ts';
import { err, type Fault, fault, ok, type Result } from '../core/result.ts';
import { decodeWith } from '../core/schema.ts';
import { verifyDeviceCertificate } from '../identity/certificates.ts';
import { verifyCapability } from './capability.ts';
import {
  type ActBody,
  type ActId,
  admissionLimits,
  bodySchema,
  type Deed,
  envelopeSchema,
} from './protocol.ts';

/** An act whose signature, certificate and token hold. Whether its author was entitled to it is `standing.ts`'s to say. */
export type Act = {
  readonly id: ActId;
  readonly author: { readonly account: AccountId; readonly device: DeviceId };
  readonly seq: number;
  readonly previous: ActId;
  readonly lamport: number;
  /** Unix ms by the swarm's clock, as its author knew it. */
  readonly at: number;
  readonly deed: Deed;
  /** Who let the author act as an operator; undefined for the founder, who needs nobody. */
  readonly empoweredBy: AccountId | undefined;
  /** Exactly what was received: what is kept and passed on. */
  readonly bytes: Bytes;
};

export type ActFault = Fault<'malformed' | 'forged' | 'another-swarm' | 'token'>;

const actDomain = utf8('aivillage/admission-act/1');
const idDomain = utf8('aivillage/admission-act-id/1');

const decodeLimits = { maxBytes: admissionLimits.maxActBytes, maxDepth: admissionLimits.maxDepth };
const idOf = (body: Uint8Array): ActId => sha256Base64url(concatBytes(idDomain, body)) as ActId;

/** Doesn't check its own act: what others would refuse is the caller's bug. */
export const signAct = async (body: ActBody, signer: SigningKey): Promise<Bytes> => {
  const bytes = encodeCbor(body as unknown as CborValue);
  return encodeCbor({ body: bytes, signature: await signer.sign(concatBytes(actDomain, bytes)) });
};

/** All that costs little is checked before signatures are. */
export const openAct = async (
  bytes: Uint8Array,
  swarm: { readonly id: RoomId; readonly founder: AccountId },
  crypto: CryptoPort,
): Promise<Result<Act, ActFault>> => {
  const envelope = decodeWith(envelopeSchema, bytes, decodeLimits);
  if (!envelope.ok) return err(fault('malformed', `the act can't be read: ${envelope.error.message}`));
  const { body: bodyBytes, signature } = envelope.value;
  const decoded = decodeWith(bodySchema, bodyBytes, decodeLimits);
  if (!decoded.ok) return err(fault('malformed', `the act can't be read: ${decoded.error.message}`));
  const body = decoded.value;
  if (body.swarm !== swarm.id) return err(fault('another-swarm', 'the act is of another swarm'));
  const author = await verifyDeviceCertificate(body.certificate, crypto);
  if (!author.ok) return err(fault('forged', author.error.message));
  if (!(await crypto.verify(body.certificate.deviceKey, concatBytes(actDomain, bodyBytes), signature)))
    return err(fault('forged', "the act's signature does not hold"));
  const empoweredBy = await whoEmpowered(body, author.value, swarm, crypto);
  if (!empoweredBy.ok) return empoweredBy;
  const { seq, previous, lamport, at, deed } = body;
  return ok({
    id: idOf(bodyBytes),
    author: author.value,
    seq,
    previous,
    lamport,
    at,
    deed,
    empoweredBy: empoweredBy.value,
    bytes: new Uint8Array(bytes),
  });
};

/** Its name, nothing checked: whether it is known already is asked before signatures are. */
export const readActId = (bytes: Uint8Array): ActId | undefined => {
  const envelope = decodeWith(envelopeSchema, bytes, decodeLimits);
  return envelope.ok ? idOf(envelope.value.body) : undefined;
};

/** The first bytes of an id, by which two peers tell each other what they have. */
export const idPrefix = (id: ActId): Bytes =>
  (fromBase64url(id) ?? new Uint8Array(0)).slice(0, admissionLimits.prefixBytes);

const whoEmpowered = async (
  { token, at }: ActBody,
  author: Act['author'],
  swarm: { readonly id: RoomId; readonly founder: AccountId },
  crypto: CryptoPort,
): Promise<Result<AccountId | undefined, ActFault>> => {
  if (author.account === swarm.founder) return ok(undefined);
  if (token === undefined) return err(fault('token', "only the founder's acts need no token"));
  const capability = await verifyCapability(
    token,
    { swarm: swarm.id, now: at, holder: author, role: 'operator' },
    crypto,
  );
  return capability.ok ? ok(capability.value.issuer) : err(fault('token', capability.error.message));
};
