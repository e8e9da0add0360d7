import type { PeerId } from '../../core/brand.ts';
import type { CryptoPort } from '../../core/ports/crypto.ts';
import { err, type Fault, fault, ok, type Result } from '../../core/result.ts';
import type { PeerIdentity } from '../../identity/types.ts';
import type { Link, LinkEnd, LinkMessage } from '../contracts.ts';
import { acceptGreeting, encodeGreeting, type OwnGreeting } from '../handshake/greeting.ts';
import type { RawChannel } from '../ports.ts';
import { wireLimits } from '../wire/frames.ts';

/** What may wait from a peer whose greeting is being checked: two messages of the largest size. */
const maxEarlyBytes = 2 * wireLimits.maxMessageBytes;

export type Introduced = {
  readonly identity: PeerIdentity;
  /** What came after the greeting and before anybody could listen, then everything that follows. */
  deliver(listener: (message: LinkMessage) => void): void;
};

/**
 * Greetings both ways over a link that has just opened. Resolves once, with who the peer has proved to be, or with why
 * it can't be talked to. Doesn't close the link, nor know what comes after.
 */
export const introduce = (
  link: Link,
  channel: Pick<RawChannel, 'remoteFingerprint'>,
  deps: { readonly crypto: CryptoPort },
  options: {
    readonly peer: PeerId;
    readonly own: OwnGreeting;
    /** The certificate the peer signed; read when it is compared, because an answer may come late. */
    readonly fingerprint: () => string | undefined;
  },
): Promise<Result<Introduced, Fault<LinkEnd>>> =>
  new Promise((settle) => {
    const early: LinkMessage[] = [];
    let earlyBytes = 0;
    let greeted = false;
    let ended: Fault<LinkEnd> | undefined;
    const fail = (reason: Fault<LinkEnd>) => settle(err(reason));

    link.closed((reason) => {
      ended = reason;
      // A greeting that came before the goodbye says more about why: it is being looked at.
      if (!greeted) fail(reason);
    });
    const stopEarly = link.messages((message) => {
      if (!greeted) {
        greeted = true;
        return void onGreeting(message);
      }
      early.push(message);
      earlyBytes += message.bytes.byteLength;
      if (earlyBytes > maxEarlyBytes)
        fail(fault('misbehaved', 'it talked on before its greeting was accepted'));
      return undefined;
    });

    const onGreeting = async ({ channel: protocol, bytes }: LinkMessage): Promise<void> => {
      if (protocol !== 'greeting') return fail(fault('misbehaved', 'it did not greet first'));
      const accepted = await acceptGreeting(bytes, options, deps.crypto);
      if (!accepted.ok) {
        // It leaves in small frames, one after the other, and a goodbye would overtake it: then the other side never
        // learns that it is of another version, and tries again and again.
        await ownGreeting;
        return fail(accepted.error);
      }
      const used = await channel.remoteFingerprint();
      if (used !== undefined && used.toUpperCase() !== options.fingerprint())
        return fail(fault('identity', 'the certificate in use is not the one that was signed'));
      if (ended) return fail(ended);
      return settle(
        ok({
          identity: accepted.value,
          deliver(listener) {
            stopEarly();
            link.messages(listener);
            for (const message of early.splice(0)) listener(message);
          },
        }),
      );
    };
    const ownGreeting = link.send(encodeGreeting(options.own), 'control', 'greeting');
    void ownGreeting.then((sent) => {
      if (!sent.ok && !greeted) fail(fault('failed', sent.error.message));
    });
  });
