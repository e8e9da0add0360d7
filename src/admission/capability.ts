/**
 * Capability tokens: JSON Web Signatures in compact form (RFC 7515, RFC 7519) with Ed25519 (RFC 8037) that say for a quarter
 * of an hour what a device may do in a private swarm. Every peer checks them itself.
 *
 * header  {alg: "EdDSA", typ: "aivillage-capability+jwt"}: no other algorithm is accepted, "none" least of all
 * claims  iss    the issuer's account         cert  its device certificate, CBOR as base64url: from the key to `iss`
 *         sub    the holder's account         dev   its device
 *         aud    the swarm                    role  "operator" or "keeper"
 *         iat, exp  seconds since 1970 by the swarm's clock, at most 900 apart
 *         jti    128 random bits: two tokens are never the same
 *
 * Why so short: a token can't be taken back, and whoever lost his role must not act on it for long.
 * Why the certificate is inside: the issuer need not be here for its token to be checked.
 */
import { decodeJwt, errors, jwtVerify } from 'jose';
import * as v from 'valibot';
import type { AccountId, DeviceId, RoomId } from '../core/brand.ts';
import { fromBase64url, toBase64url, utf8 } from '../core/bytes.ts';
import { type CborValue, encodeCbor } from '../core/codec.ts';
import type { CryptoPort, SigningKey } from '../core/ports/crypto.ts';
import type { Random } from '../core/ports/random.ts';
import { err, type Fault, fault, ok, type Result } from '../core/result.ts';
import { decodeWith, parseWith } from '../core/schema.ts';
import { deviceCertificateSchema, verifyDeviceCertificate } from '../identity/certificates.ts';
import type { DeviceCertificate } from '../identity/types.ts';
import { accountIdSchema, admissionLimits, type Role, roleSchema } from './protocol.ts';

export const capabilityLife = { seconds: 900, toleranceSeconds: 60 } as const;
const header = { alg: 'EdDSA', typ: 'aivillage-capability+jwt' } as const;

export type Capability = {
  readonly issuer: AccountId;
  readonly holder: { readonly account: AccountId; readonly device: DeviceId };
  readonly swarm: RoomId;
  readonly role: Role;
  /** Unix ms by the swarm's clock. */
  readonly issuedAt: number;
  readonly expiresAt: number;
};

export type CapabilityFault = Fault<
  | 'malformed'
  | 'forged'
  | 'expired'
  | 'not-yet-valid'
  | 'another-swarm'
  | 'too-long'
  | 'wrong-holder'
  | 'wrong-role'
>;

export type Issuer = {
  readonly signer: SigningKey;
  readonly account: AccountId;
  readonly certificate: DeviceCertificate;
};

/** `now`: Unix ms by the swarm's clock. The key only signs; it need not be readable, so the bytes are put together here. */
export const issueCapability = async (
  issuer: Issuer,
  grant: Pick<Capability, 'holder' | 'swarm' | 'role'>,
  { now, random }: { readonly now: number; readonly random: Pick<Random, 'bytes'> },
): Promise<string> => {
  const iat = Math.floor(now / 1_000);
  const claims = {
    iss: issuer.account,
    cert: toBase64url(encodeCbor(issuer.certificate as unknown as CborValue)),
    sub: grant.holder.account,
    dev: grant.holder.device,
    aud: grant.swarm,
    role: grant.role,
    iat,
    exp: iat + capabilityLife.seconds,
    jti: toBase64url(random.bytes(16)),
  };
  return signCompact(header, claims, issuer.signer);
};

/** JWS compact serialization (RFC 7515 §7.1). */
export const signCompact = async (
  head: { readonly [name: string]: string },
  claims: { readonly [name: string]: string | number },
  signer: SigningKey,
): Promise<string> => {
  const part = (value: object) => toBase64url(utf8(JSON.stringify(value)));
  const input = `${part(head)}.${part(claims)}`;
  return `${input}.${toBase64url(await signer.sign(utf8(input)))}`;
};

const claimsSchema = v.object({
  iss: accountIdSchema,
  cert: v.pipe(v.string(), v.maxLength(400)),
  sub: accountIdSchema,
  dev: v.pipe(
    v.string(),
    v.regex(/^[A-Za-z0-9_-]{43}$/, 'not an id'),
    v.transform((id) => id as DeviceId),
  ),
  aud: v.string(),
  role: roleSchema,
  iat: v.pipe(v.number(), v.integer()),
  exp: v.pipe(v.number(), v.integer()),
  jti: v.pipe(v.string(), v.maxLength(43)),
});

export type ExpectedCapability = {
  readonly swarm: RoomId;
  /** Unix ms by the swarm's clock. */
  readonly now: number;
  readonly holder: { readonly account: AccountId; readonly device: DeviceId };
  readonly role?: Role;
};

/**
 * Signed by a device of the account that it names, for this swarm, holder and time. Doesn't know whether the issuer was
 * entitled to it: that is `standing.ts`.
 */
export const verifyCapability = async (
  token: string,
  expected: ExpectedCapability,
  crypto: CryptoPort,
): Promise<Result<Capability, CapabilityFault>> => {
  const unproven = readClaims(token);
  if (!unproven.ok) return unproven;
  const issuer = await issuerKey(unproven.value, crypto);
  if (!issuer.ok) return issuer;
  try {
    await jwtVerify(token, issuer.value, {
      algorithms: [header.alg],
      typ: header.typ,
      audience: expected.swarm,
      maxTokenAge: capabilityLife.seconds,
      clockTolerance: capabilityLife.toleranceSeconds,
      currentDate: new Date(expected.now),
    });
  } catch (cause) {
    return err(faultOf(cause, unproven.value, expected));
  }
  return judgeClaims(unproven.value, expected);
};

type Claims = v.InferOutput<typeof claimsSchema>;

const readClaims = (token: string): Result<Claims, CapabilityFault> => {
  if (token.length > admissionLimits.maxTokenLength)
    return err(
      fault(
        'malformed',
        `the token has ${token.length} characters, at most ${admissionLimits.maxTokenLength} are read`,
      ),
    );
  try {
    const claims = parseWith(claimsSchema, decodeJwt(token));
    return claims.ok ? claims : err(fault('malformed', `the token is damaged: ${claims.error.message}`));
  } catch {
    return err(fault('malformed', 'this is no token'));
  }
};

/** The public key of `cert`, once that has led to `iss`. */
const issuerKey = async ({ iss, cert }: Claims, crypto: CryptoPort) => {
  const certificate = decodeWith(deviceCertificateSchema, fromBase64url(cert) ?? new Uint8Array(0), {
    maxBytes: 300,
    maxDepth: 2,
  });
  if (!certificate.ok) return err(fault('malformed', "the token's certificate can't be read"));
  const certified = await verifyDeviceCertificate(certificate.value, crypto);
  if (!certified.ok || certified.value.account !== iss)
    return err(fault('forged', 'the token names an issuer to whom its key does not belong'));
  return ok({ kty: 'OKP', crv: 'Ed25519', x: toBase64url(certificate.value.deviceKey) } as const);
};

const judgeClaims = (claims: Claims, expected: ExpectedCapability): Result<Capability, CapabilityFault> => {
  const objection = tooLong(claims);
  if (objection) return err(objection);
  if (claims.sub !== expected.holder.account || claims.dev !== expected.holder.device)
    return err(fault('wrong-holder', 'the token was issued to another device'));
  if (expected.role !== undefined && claims.role !== expected.role)
    return err(fault('wrong-role', `the token makes its holder ${claims.role}, not ${expected.role}`));
  return ok({
    issuer: claims.iss,
    holder: { account: claims.sub, device: claims.dev },
    swarm: expected.swarm,
    role: claims.role,
    issuedAt: claims.iat * 1_000,
    expiresAt: claims.exp * 1_000,
  });
};

const tooLong = ({ iat, exp }: Claims): CapabilityFault | undefined =>
  exp - iat > capabilityLife.seconds
    ? fault('too-long', `the token is good for ${exp - iat} s, more than a quarter of an hour`)
    : undefined;

/** What the library found, in words for a person. Anything that it doesn't name is a token that isn't one. */
const faultOf = (cause: unknown, claims: Claims, { now }: ExpectedCapability): CapabilityFault => {
  const seconds = Math.round(now / 1_000);
  if (cause instanceof errors.JWTExpired)
    return tooLong(claims) ?? fault('expired', `the token expired ${seconds - claims.exp} s ago: renew it`);
  if (cause instanceof errors.JWTClaimValidationFailed) {
    if (cause.claim === 'iat')
      return fault('not-yet-valid', `the token begins ${claims.iat - seconds} s from now: a clock is wrong`);
    if (cause.claim === 'aud') return fault('another-swarm', 'the token is of another swarm');
    return fault('malformed', `the token's ${cause.claim} is not what it must be`);
  }
  if (cause instanceof errors.JWSSignatureVerificationFailed)
    return fault('forged', "the token's signature does not hold");
  if (cause instanceof errors.JOSEAlgNotAllowed)
    return fault('forged', 'the token is signed in a way that is not accepted here');
  return fault('malformed', 'this is no token');
};
