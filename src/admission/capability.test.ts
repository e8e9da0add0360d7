import { describe, expect, it } from 'vitest';
import { toBase64url, utf8 } from '../core/bytes.ts';
import { type CborValue, encodeCbor } from '../core/codec.ts';
import type { LocalIdentity } from '../identity/index.ts';
import { createNodeCryptoForTests } from '../identity/testDoubles.ts';
import { issueCapability, signCompact, verifyCapability } from './capability.ts';
import type { Role } from './protocol.ts';
import { type Standing, whyNotIssued } from './standing.ts';
import { emptyStanding, openPeople, swarmOf } from './testDoubles.ts';

const crypto = createNodeCryptoForTests();
const random = { bytes: (length: number) => new Uint8Array(length).fill(7) };
const now = Date.UTC(2026, 0, 15);
const minute = 60_000;
const day = 24 * 60 * minute;
const [ana, ben] = await openPeople(crypto);

const issuerOf = ({ deviceSigner, account, credentials }: LocalIdentity) => ({
  signer: deviceSigner,
  account,
  certificate: credentials.device,
});
const issue = (at = now, role: Role = 'operator') =>
  issueCapability(issuerOf(ana), { holder: ben, swarm: swarmOf(ana).id, role }, { now: at, random });
const expectation = (at = now) => ({
  swarm: swarmOf(ana).id,
  now: at,
  holder: ben,
  role: 'operator' as const,
});
const verify = (token: string, changes: Partial<ReturnType<typeof expectation>> = {}) =>
  verifyCapability(token, { ...expectation(), ...changes }, crypto);
const faultOf = async (token: string, changes?: Parameters<typeof verify>[1]) => {
  const verified = await verify(token, changes);
  return verified.ok ? undefined : verified.error;
};

/** Anything that a device of Ana's could sign. */
const signed = (
  claims: Record<string, string | number> = {},
  head: Record<string, string> = { alg: 'EdDSA', typ: 'aivillage-capability+jwt' },
  by = ana,
) => {
  const iat = now / 1_000;
  const cert = toBase64url(encodeCbor(by.credentials.device as unknown as CborValue));
  const whole = {
    iss: ana.account,
    cert,
    sub: ben.account,
    dev: ben.device,
    aud: swarmOf(ana).id,
    role: 'operator',
    iat,
    exp: iat + 900,
    jti: 'j',
  };
  return signCompact(head, { ...whole, ...claims }, by.deviceSigner);
};

describe('a capability token', () => {
  it('says who may what, for a quarter of an hour', async () => {
    expect(await verify(await issue())).toEqual({
      ok: true,
      value: {
        issuer: ana.account,
        holder: { account: ben.account, device: ben.device },
        swarm: swarmOf(ana).id,
        role: 'operator',
        issuedAt: now,
        expiresAt: now + 15 * minute,
      },
    });
  });

  it('is expired after that, and a minute of grace', async () => {
    const token = await issue();
    expect(await faultOf(token, { now: now + 15 * minute + 59_000 })).toBeUndefined();
    expect(await faultOf(token, { now: now + 16 * minute + 1_000 })).toEqual({
      code: 'expired',
      message: 'the token expired 61 s ago: renew it',
    });
  });

  it('is not valid yet before it was issued', async () => {
    const token = await issue();
    expect(await faultOf(token, { now: now - 59_000 })).toBeUndefined();
    expect(await faultOf(token, { now: now - 5 * minute })).toEqual({
      code: 'not-yet-valid',
      message: 'the token begins 300 s from now: a clock is wrong',
    });
  });

  it('of an issuer whose clock is a day off is refused, either way, and says why', async () => {
    expect(await faultOf(await issue(now - day))).toMatchObject({ code: 'expired' });
    expect(await faultOf(await issue(now + day))).toMatchObject({ code: 'not-yet-valid' });
  });

  it('with one changed letter is forged', async () => {
    const token = await issue();
    const [head, , signature] = token.split('.') as [string, string, string];
    const other = (await issue(now, 'keeper')).split('.')[1] as string;
    expect(await faultOf(`${head}.${other}.${signature}`)).toMatchObject({ code: 'forged' });
    const changed = signature.startsWith('A') ? `B${signature.slice(1)}` : `A${signature.slice(1)}`;
    expect(await faultOf(token.replace(signature, changed))).toEqual({
      code: 'forged',
      message: "the token's signature does not hold",
    });
  });

  it('signed by somebody else in the founder’s name is forged', async () => {
    expect(await faultOf(await signed({}, undefined, ben))).toEqual({
      code: 'forged',
      message: 'the token names an issuer to whom its key does not belong',
    });
  });

  it.each(['none', 'HS256', 'ES256', 'Ed25519'])('with the algorithm %s is not even tried', async (alg) => {
    const token = await signed({}, { alg, typ: 'aivillage-capability+jwt' });
    expect(['forged', 'malformed']).toContain((await faultOf(token))?.code);
    expect(await faultOf(token.replace(/[^.]*$/, ''))).toBeDefined();
  });

  it('of another kind is refused, though the key is right', async () => {
    expect(await faultOf(await signed({}, { alg: 'EdDSA', typ: 'JWT' }))).toMatchObject({
      code: 'malformed',
    });
  });

  it('of another swarm is refused', async () => {
    expect(await faultOf(await issue(), { swarm: swarmOf(ben).id })).toEqual({
      code: 'another-swarm',
      message: 'the token is of another swarm',
    });
  });

  it('good for longer than a quarter of an hour is refused from its first second', async () => {
    const token = await signed({ exp: now / 1_000 + 901 });
    expect(await faultOf(token)).toEqual({
      code: 'too-long',
      message: 'the token is good for 901 s, more than a quarter of an hour',
    });
    expect(await faultOf(token, { now: now + 18 * minute })).toMatchObject({ code: 'too-long' });
  });

  it('is of one device and one role', async () => {
    expect(await faultOf(await issue(), { holder: ana })).toMatchObject({ code: 'wrong-holder' });
    expect(await faultOf(await issue(now, 'keeper'))).toEqual({
      code: 'wrong-role',
      message: 'the token makes its holder keeper, not operator',
    });
  });

  it.each(['', 'a.b.c', 'no token', `${'x'.repeat(2_000)}`, '..', 'e30.e30.e30'])(
    'that is garbage (%.12s…) is refused',
    async (garbage) => {
      expect(await faultOf(garbage)).toMatchObject({ code: 'malformed' });
    },
  );

  it('without one of its claims is refused', async () => {
    const claims = JSON.parse(Buffer.from((await issue()).split('.')[1] as string, 'base64url').toString());
    for (const claim of Object.keys(claims)) {
      const { [claim]: _left, ...rest } = claims;
      const token = await signCompact(
        { alg: 'EdDSA', typ: 'aivillage-capability+jwt' },
        rest,
        ana.deviceSigner,
      );
      expect(await faultOf(token)).toMatchObject({ code: 'malformed' });
    }
    expect(utf8(await issue()).byteLength).toBeLessThan(1_100);
  });
});

describe('whoever issued a token', () => {
  const standing = (changes: Partial<Standing> = {}): Standing => ({
    ...emptyStanding('founder' as never),
    roles: new Map([
      ['op', new Set(['operator'])],
      ['keep', new Set(['keeper'])],
    ]) as never,
    everOperators: new Set(['op']) as never,
    ...changes,
  });
  const token = (issuer: string, account: string, role: Role = 'operator') =>
    ({ issuer, holder: { account, device: 'd' }, role }) as never;

  it('must be the founder or an operator, and not the holder', () => {
    expect(whyNotIssued(standing(), token('founder', 'op'))).toBeUndefined();
    expect(whyNotIssued(standing(), token('op', 'keep', 'keeper'))).toBeUndefined();
    expect(whyNotIssued(standing(), token('keep', 'op'))?.message).toBe(
      'whoever issued the token is neither founder nor operator',
    );
    expect(whyNotIssued(standing(), token('op', 'op'))?.message).toContain('to himself');
  });

  it('and was withdrawn since, makes it worthless', () => {
    const without = standing({ roles: new Map([['keep', new Set(['keeper'])]]) as never });
    expect(whyNotIssued(without, token('op', 'keep', 'keeper'))).toMatchObject({ code: 'issuer-withdrawn' });
    const removed = standing({ removed: new Map([['op', { by: 'founder', reason: 'r', at: 0 }]]) as never });
    expect(whyNotIssued(removed, token('op', 'keep', 'keeper'))).toMatchObject({ code: 'issuer-withdrawn' });
  });

  it('can’t give what the log has not given', () => {
    expect(whyNotIssued(standing(), token('founder', 'somebody'))).toMatchObject({ code: 'not-granted' });
    expect(whyNotIssued(standing(), token('founder', 'keep'))).toMatchObject({ code: 'not-granted' });
  });
});
