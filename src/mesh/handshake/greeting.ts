/**
 * Greeting, version 1: the first message on a new link, in both directions. It names the protocol, the build, and
 * proves device and account behind the tab's key. Until both greetings are accepted nothing else is.
 *
 * Tabs of different protocols say so and part; the same protocol in another build is fine.
 */
import * as v from 'valibot';
import type { PeerId } from '../../core/brand.ts';
import type { Bytes } from '../../core/bytes.ts';
import { type CborValue, encodeCbor } from '../../core/codec.ts';
import type { CryptoPort } from '../../core/ports/crypto.ts';
import { err, type Fault, fault, ok, type Result } from '../../core/result.ts';
import { countSchema, decodeWith } from '../../core/schema.ts';
import { verifyCredentials } from '../../identity/certificates.ts';
import type { Credentials, PeerIdentity } from '../../identity/types.ts';

/** Raised when tabs before and after a change can't work together. */
export const meshProtocol = 3;

const limits = { maxBytes: 4_096, maxDepth: 5 };
const greetingSchema = v.object({
  t: v.literal('greeting'),
  protocol: countSchema(1_000_000),
  build: v.pipe(v.string(), v.maxLength(64)),
  // Looked into only once the protocols agree: another version may carry other credentials.
  credentials: v.unknown(),
});

export type OwnGreeting = {
  readonly protocol: number;
  readonly build: string;
  readonly credentials: Credentials;
};

export const encodeGreeting = (greeting: OwnGreeting): Bytes =>
  encodeCbor({ t: 'greeting', ...greeting } as unknown as CborValue);

export const acceptGreeting = async (
  bytes: Uint8Array,
  expected: { readonly peer: PeerId; readonly own: OwnGreeting },
  crypto: CryptoPort,
): Promise<Result<PeerIdentity, Fault<'version' | 'identity' | 'misbehaved'>>> => {
  const greeting = decodeWith(greetingSchema, bytes, limits);
  if (!greeting.ok) return err(fault('misbehaved', `not a greeting: ${greeting.error.message}`));
  const { protocol, build, credentials } = greeting.value;
  const { own } = expected;
  if (protocol !== own.protocol) {
    const older = protocol < own.protocol ? 'the other tab' : 'this tab';
    return err(
      fault(
        'version',
        `the other tab speaks protocol ${protocol} (${build}), this one ${own.protocol} (${own.build}): reload ${older}`,
      ),
    );
  }
  const identity = await verifyCredentials(credentials, crypto);
  if (!identity.ok) return err(fault('identity', identity.error.message));
  if (identity.value.peer !== expected.peer) {
    return err(fault('identity', 'the credentials are those of another tab'));
  }
  return ok(identity.value);
};
