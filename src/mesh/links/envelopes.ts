import type { PeerId, RoomId } from '../../core/brand.ts';
import type { CryptoPort } from '../../core/ports/crypto.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import type { LocalIdentity } from '../../identity/types.ts';
import { type EnvelopeSignal, openEnvelope, sealEnvelope } from '../handshake/envelope.ts';
import type { RoomSeal } from '../handshake/roomSeal.ts';
import type { SignalingClient, SignalingEvent } from '../signaling/client.ts';
import { createEnvelopeInbox } from './guards.ts';

export type Opened = { readonly session: string; readonly signal: EnvelopeSignal };

export interface Envelopes {
  /** Leaves after all that was sent before it. `lost` is called if it can't, unless another will do as well. */
  send(to: PeerId, session: string, signal: EnvelopeSignal, lost: () => void): void;
  /** As the server passed it on. */
  arrived(event: Extract<SignalingEvent, { kind: 'relay' }>): void;
  close(): void;
}

/**
 * What peers say to each other to get linked: signed, sealed with the room's secret, passed on by the server, each peer's
 * in their order. Doesn't know what they mean.
 */
export const createEnvelopes = (
  deps: {
    readonly identity: Pick<LocalIdentity, 'peer' | 'nodeSigner'>;
    readonly crypto: CryptoPort;
    readonly signaling: Pick<SignalingClient, 'relay'>;
    readonly telemetry: Telemetry;
    readonly seal: RoomSeal;
    /** Whose envelopes are worth opening. */
    readonly mayWrite: (peer: PeerId) => boolean;
    readonly onOpened: (from: PeerId, opened: Opened) => void;
  },
  { room }: { readonly room: RoomId },
): Envelopes => {
  const { identity, signaling, telemetry, seal, crypto, mayWrite } = deps;
  const self = identity.peer;
  let closed = false;
  /** Signatures may be ready out of order; envelopes leave in order, or a candidate would come before its offer. */
  let lastSent: Promise<unknown> = Promise.resolve();

  const inbox = createEnvelopeInbox(
    async (from, payload) => {
      if (!mayWrite(from)) return;
      const opened = await openEnvelope(payload, { room, from, to: self }, { crypto, seal });
      if (closed || !mayWrite(from)) return; // meanwhile
      if (opened.ok) deps.onOpened(from, opened.value);
      else telemetry.log('warn', 'mesh', `envelope refused: ${opened.error.message}`, { peer: from });
    },
    (peer, cause) => telemetry.log('error', 'mesh', `envelope not handled: ${String(cause)}`, { peer }),
  );

  return {
    send(to, session, signal, lost) {
      const body = { v: 2 as const, room, from: self, to, session, signal };
      lastSent = lastSent
        .then(() => sealEnvelope(body, { signer: identity.nodeSigner, seal }))
        .then((sealed) => {
          if (closed || signaling.relay(to, sealed) || signal.kind === 'candidate') return;
          lost();
        })
        .catch((cause: unknown) => telemetry.log('error', 'mesh', `could not sign: ${String(cause)}`));
    },
    arrived({ from, payload }) {
      if (!inbox.accept(from, payload)) telemetry.count('mesh_envelopes_dropped_total');
    },
    close() {
      closed = true;
    },
  };
};
