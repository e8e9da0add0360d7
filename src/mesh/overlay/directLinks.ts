import { milliseconds, type PeerId } from '../../core/brand.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { CancelTimer, Timers } from '../../core/ports/timers.ts';
import { err, fault, ok, type Result } from '../../core/result.ts';
import type { OpenError } from '../contracts.ts';
import type { DirectMessage } from './protocol.ts';

export interface DirectLinks {
  /** Resolves when the peer has agreed; calls for one peer share one attempt. */
  open(peer: PeerId): Promise<Result<void, OpenError>>;
  received(from: PeerId, message: DirectMessage): void;
  linkUp(peer: PeerId): void;
  lost(peer: PeerId, reason: string): void;
  /** Something that is work went over this link. */
  used(peer: PeerId): void;
  /** It was opened for work, is being opened for it, or was used for it lately. */
  isWorking(peer: PeerId): boolean;
  close(): void;
}

/** A link made for work, or a neighbour's that was used for work, stays so long without any. */
const idleAfter = 30_000;
const openWithin = milliseconds(20_000);
/** Links that others may open to this tab for work. */
const maxOpenedByOthers = 16;

type Opening = {
  readonly settle: (result: Result<void, OpenError>) => void;
  readonly outcome: Promise<Result<void, OpenError>>;
  readonly cancel: CancelTimer;
};

/**
 * Links outside the neighbourhood, for work between two tabs that are not neighbours, for as long as there is any. Doesn't
 * know what the work is, nor who is a neighbour.
 */
export const createDirectLinks = (deps: {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly connect: (peer: PeerId) => void;
  readonly isLinked: (peer: PeerId) => boolean;
  readonly send: (to: PeerId, message: DirectMessage) => void;
  readonly admit: (peer: PeerId) => void;
}): DirectLinks => {
  const { clock, timers, send } = deps;
  const openingsByPeer = new Map<PeerId, Opening>();
  const usedAtByPeer = new Map<PeerId, number>();
  const openedByOthers = new Set<PeerId>();

  const settle = (peer: PeerId, result: Result<void, OpenError>) => {
    const opening = openingsByPeer.get(peer);
    openingsByPeer.delete(peer);
    opening?.cancel();
    opening?.settle(result);
  };
  const used = (peer: PeerId) => void usedAtByPeer.set(peer, clock.monotonic());
  const agree = (peer: PeerId) => {
    used(peer);
    deps.admit(peer);
  };
  const fail = (peer: PeerId, code: OpenError['code'], why: string) =>
    settle(peer, err(fault(code, `no link to ${peer.slice(0, 8)}…: ${why}`)));

  return {
    open(peer) {
      const known = openingsByPeer.get(peer);
      if (known) return known.outcome;
      const cancel = timers.after(openWithin, () => fail(peer, 'unreachable', 'it did not answer in time'));
      let resolve: Opening['settle'] = () => {};
      const outcome = new Promise<Result<void, OpenError>>((settled) => {
        resolve = settled;
      });
      openingsByPeer.set(peer, { settle: resolve, outcome, cancel });
      if (deps.isLinked(peer)) send(peer, { t: 'direct' });
      else deps.connect(peer);
      return outcome;
    },
    linkUp(peer) {
      if (openingsByPeer.has(peer)) send(peer, { t: 'direct' });
    },
    received(from, message) {
      if (message.t === 'direct') {
        if (!openedByOthers.has(from) && openedByOthers.size >= maxOpenedByOthers)
          return send(from, { t: 'direct-declined' });
        openedByOthers.add(from);
        agree(from);
        return send(from, { t: 'direct-accepted' });
      }
      if (!openingsByPeer.has(from)) return undefined; // nobody is admitted by an answer
      if (message.t === 'direct-declined') return fail(from, 'declined', 'it has links enough');
      agree(from);
      return settle(from, ok(undefined));
    },
    lost(peer, reason) {
      usedAtByPeer.delete(peer);
      openedByOthers.delete(peer);
      fail(peer, 'unreachable', reason);
    },
    used,
    isWorking: (peer) =>
      openingsByPeer.has(peer) ||
      clock.monotonic() - (usedAtByPeer.get(peer) ?? Number.NEGATIVE_INFINITY) < idleAfter,
    close() {
      for (const peer of [...openingsByPeer.keys()]) fail(peer, 'unreachable', 'this tab has left the room');
    },
  };
};
