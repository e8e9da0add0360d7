import { milliseconds, type PeerId } from '../core/brand.ts';
import type { Unsubscribe } from '../core/events.ts';
import type { Random } from '../core/ports/random.ts';
import type { Telemetry } from '../core/ports/telemetry.ts';
import type { Timers } from '../core/ports/timers.ts';
import { err, fault, ok } from '../core/result.ts';
import type { Overlay, Rpc } from '../mesh/contracts.ts';
import type { ActBook } from './book.ts';
import { inOrder } from './chains.ts';
import { missingFrom, summaryOf } from './log.ts';
import { syncMethod, tellMethod } from './methods.ts';
import { admissionLimits } from './protocol.ts';

/** News for all, on a topic of its own. */
export interface ActChannel {
  publish(act: Uint8Array): Promise<{ readonly ok: boolean }>;
  subscribe(listener: (act: Uint8Array) => void): Unsubscribe;
}

export type SyncingDeps = {
  readonly book: ActBook;
  readonly channel: ActChannel;
  readonly overlay: Pick<Overlay, 'peers' | 'changes' | 'expel'>;
  readonly rpc: Rpc;
  readonly timers: Timers;
  readonly random: Pick<Random, 'next'>;
  readonly telemetry: Telemetry;
};

export interface Syncing {
  /** Everything this peer knows, to one who is about to go. */
  tellAll(peer: PeerId): Promise<void>;
  close(): void;
}

/** Broadcasts reach nearly everybody at once; comparing finds what was missed. */
const compareEvery = milliseconds(30_000);
const deadline = milliseconds(10_000);
const tellDeadline = milliseconds(3_000);
const mostPages = Math.ceil(admissionLimits.maxActs / admissionLimits.pageActs) + 1;

/**
 * Keeps the log the same everywhere: news by broadcast, the whole by comparing with each new neighbour and with somebody now
 * and then. Doesn't know what acts mean.
 */
export const createSyncing = (deps: SyncingDeps): Syncing => {
  const { book, channel, overlay, rpc, timers, telemetry } = deps;
  const pulling = new Set<PeerId>();

  /** Nobody honest keeps acts that don't hold: whoever tells one made it up, or didn't check. */
  const takeFrom = async (peer: PeerId, acts: readonly Uint8Array[]): Promise<number> => {
    const taken = await book.take(acts);
    if (taken.ok) return taken.value.added;
    const { code, message } = taken.error;
    if (code === 'malformed' || code === 'forged' || code === 'another-swarm' || code === 'token')
      overlay.expel(peer, `it told an act that does not hold: ${message}`);
    else telemetry.log('info', 'admission', `acts not taken: ${message}`, { peer, code });
    return 0;
  };

  const pull = async (peer: PeerId): Promise<void> => {
    if (pulling.has(peer)) return;
    pulling.add(peer);
    for (let page = 0; page < mostPages; page++) {
      const answer = await rpc.call(
        peer,
        syncMethod,
        { have: summaryOf(book.state.get().log) },
        { deadline },
      );
      if (!answer.ok) {
        telemetry.log('debug', 'admission', `not compared: ${answer.error.message}`, { peer });
        break;
      }
      const added = await takeFrom(peer, answer.value.acts);
      if (!answer.value.more || added === 0) break;
    }
    pulling.delete(peer);
  };
  const pullFromSomebody = () => {
    const peers = overlay.peers();
    const chosen = peers[Math.floor(deps.random.next() * peers.length)];
    if (chosen) void pull(chosen.peer);
  };

  const stops: readonly Unsubscribe[] = [
    rpc.handle(syncMethod, async ({ have }) => ok(missingFrom(book.state.get().log, have))),
    rpc.handle(tellMethod, async ({ acts }, { from }) => {
      if (!overlay.peers().some(({ peer }) => peer === from))
        return err(fault('refused', 'this node is not linked to you'));
      await takeFrom(from, acts);
      return ok(null);
    }),
    channel.subscribe(async (act) => {
      const taken = await book.take([act]);
      if (taken.ok) return;
      telemetry.count('admission_acts_refused_total', 1, { code: taken.error.code });
      if (taken.error.code === 'gap') pullFromSomebody();
    }),
    overlay.changes((change) => {
      if (change.kind === 'up') void pull(change.peer.peer);
    }),
    timers.every(compareEvery, pullFromSomebody),
  ];
  for (const { peer } of overlay.peers()) void pull(peer);

  return {
    async tellAll(peer) {
      const acts = [...book.state.get().log.acts.values()].sort(inOrder).map(({ bytes }) => bytes);
      for (let at = 0; at < acts.length; at += admissionLimits.pageActs) {
        const page = acts.slice(at, at + admissionLimits.pageActs);
        const told = await rpc.call(peer, tellMethod, { acts: page }, { deadline: tellDeadline });
        if (!told.ok) return;
      }
    },
    close() {
      for (const stop of stops) stop();
    },
  };
};
