import { byteCount, type Milliseconds, milliseconds, type PeerId } from '../../core/brand.ts';
import type { Bytes } from '../../core/bytes.ts';
import { createEmitter } from '../../core/events.ts';
import type { Clock } from '../../core/ports/clock.ts';
import { type Fault, fault } from '../../core/result.ts';
import type { Link, LinkEnd, LinkMessage } from '../contracts.ts';
import type { RawChannel } from '../ports.ts';
import type { SelfHealth } from '../selfHealth.ts';
import { decodeFrame, encodeFrame, type Frame, wireLimits } from '../wire/frames.ts';
import { createReassembler } from '../wire/reassembly.ts';
import { createSendQueue, type Progress } from '../wire/sendQueue.ts';
import { arrivedUpTo, isStuck, isSuspect, isUnproven, lookForStall, startStallWatch } from '../wire/stall.ts';
import type { NarrowPaths } from './narrowPaths.ts';

/** A silent peer is asked, and one that talks anyway need not be. */
const listenFor = 3_000;
/** A round trip is measured at least so often. */
const measureEvery = 15_000;
/** Once in doubt: so long for each answer (or a beat, which is as long), times this tab's own patience. */
const answerWithin = 1_000;
/** Never given up on one missed ping. */
const maxUnanswered = 3;
/** After the browser's own checks, five and more of them, went unanswered. */
const maxUnansweredOnceUnreachable = 1;
/** Above this, pongs are not sent: a peer that pings and reads nothing must not fill our memory with answers. More than a window. */
const maxUnsentBytes = 1536 * 1024;

/**
 * A link over an open channel. Answers pings from the message handler, so a hidden tab whose timers are throttled still
 * answers at once; notices within seconds that nobody answers any more, where the browser takes half a minute to close.
 * There are two witnesses: its own questions, which a busy tab answers late, and the browser's checks of the path, which
 * go on beside the scripts, but don't notice a tab that is frozen. Knows frames; doesn't know who the peer proved to be, nor what a message means.
 */
export const createLink = (
  channel: RawChannel,
  deps: {
    readonly peer: PeerId;
    readonly clock: Clock;
    readonly health: Pick<SelfHealth, 'patience' | 'beats'>;
    /** Read when the link starts, and told when it finds out; one for all links. Without it every link finds out anew. */
    readonly narrowPaths?: NarrowPaths;
  },
): Link => {
  const { clock, health, peer, narrowPaths } = deps;
  const messages = createEmitter<LinkMessage>();
  const closed = createEmitter<Fault<LinkEnd>>();
  const reassembler = createReassembler();
  const queue = createSendQueue(
    channel,
    { clock, probe: () => ping() },
    { narrow: narrowPaths?.has(peer) ?? false },
  );
  /** With what had been handed over before each. */
  const pingsByNonce = new Map<number, { readonly sentAt: Milliseconds; readonly before: Progress }>();
  let stall = startStallWatch;
  let nextNonce = 0;
  let bytesSent = 0;
  let bytesReceived = 0;
  let rtt: number | undefined;
  let measuredAt = Number.NEGATIVE_INFINITY;
  let heardAt: number = clock.monotonic();
  let unanswered = 0;
  let askedAt: number = clock.monotonic();
  let lookedAt: number = clock.monotonic();
  /** The browser's own checks go unanswered too, and nothing has been heard since it said so. */
  let unreachable = false;
  let ended = false;

  const end = (reason: Fault<LinkEnd>) => {
    if (ended) return;
    ended = true;
    if (passesSmall() && isSuspect(stall, clock.monotonic())) narrowPaths?.add(peer);
    stopWatching();
    stopFrames();
    stopClosed();
    stopUnreachable();
    queue.close();
    channel.close();
    closed.emit(reason);
  };

  const sendNow = (frame: Frame) => {
    try {
      channel.send(encodeFrame(frame));
    } catch {
      end(fault('failed', 'the connection was lost'));
    }
  };

  const ping = (): void => {
    // A lost pong must not pile up: only the last few pings can still be answered.
    for (const nonce of [...pingsByNonce.keys()].slice(0, -4)) pingsByNonce.delete(nonce);
    pingsByNonce.set(nextNonce, { sentAt: clock.monotonic(), before: queue.progress() });
    sendNow({ kind: 'ping', nonce: nextNonce });
    nextNonce = (nextNonce + 1) % 2 ** 32;
  };

  const hasSlept = (now: number) => now - lookedAt > 2 * answerWithin;
  /** With every beat: asks a silent peer, and gives up on one that is asked and asked. */
  const watch = (): void => {
    const now = clock.monotonic();
    // This tab itself was away: what was sent to it meanwhile is still to be heard.
    const slept = hasSlept(now);
    lookedAt = now;
    if (watchForStall(now, slept)) return;
    const silentFor = now - heardAt;
    if (silentFor < listenFor || slept) unanswered = 0;
    if (silentFor < listenFor) {
      // A ping behind long frames tells, when it is answered, that they have arrived.
      const proving = isUnproven(stall) && (pingsByNonce.size === 0 || now - askedAt >= listenFor);
      if (proving || now - Math.max(measuredAt, askedAt) >= measureEvery) ask(now);
      return;
    }
    // The browser's checks are made and answered beside the tabs' scripts, so that a late script excuses nobody.
    const patience = unreachable ? 1 : health.patience();
    // A beat early or late by a little is a beat.
    if (unanswered > 0 && now - askedAt < answerWithin * patience - answerWithin / 10) return;
    if (unanswered >= (unreachable ? maxUnansweredOnceUnreachable : maxUnanswered)) {
      lostTo(silentFor);
      return;
    }
    unanswered++;
    ask(now);
  };
  /** True if it ended the link: the other side is there, and what it is sent does not arrive. */
  const watchForStall = (now: number, slept: boolean): boolean => {
    stall = lookForStall(slept ? { ...stall, since: undefined } : stall, { now, ...queue.progress() });
    // On a slow path an answer waits behind what is sent for longer than anybody would wait for it. On a dead one SCTP's
    // timer lets a little go now and then (RFC 9260 §6.3.3), to nobody.
    if (stall.moved && !unreachable) heardAt = now;
    if (stall.since === undefined || heardAt <= stall.since || !isStuck(stall, now, health.patience()))
      return false;
    lost(
      'what is sent does not arrive, though the other tab is there: the network may swallow large packets',
    );
    return true;
  };
  /** A path that lets nothing through is another thing. */
  const passesSmall = () => rtt !== undefined;
  /** Who sends long messages both ways over a path that swallows them hears as little as it is heard. */
  const lost = (message: string) => {
    const stuck = passesSmall() && isStuck(stall, clock.monotonic(), health.patience());
    end(fault(stuck ? 'stalled' : 'failed', message));
  };
  const lostTo = (silentFor: number) => lost(`nothing was heard for ${(silentFor / 1_000).toFixed(0)} s`);
  /** The other side knows it, so our long frames would be lost too: now, and over the next link. */
  const learnNarrow = () => {
    queue.becomeNarrow();
    narrowPaths?.add(peer);
  };
  const ask = (now: number) => {
    askedAt = now;
    ping();
  };

  const onPong = (nonce: number): void => {
    const asked = pingsByNonce.get(nonce);
    if (asked === undefined) return;
    pingsByNonce.delete(nonce);
    stall = arrivedUpTo(stall, asked.before.large);
    queue.arrivedUpTo(asked.before.frames);
    const sample = clock.monotonic() - asked.sentAt;
    measuredAt = clock.monotonic();
    rtt = rtt === undefined ? sample : rtt * 0.875 + sample * 0.125; // RFC 6298 §2, α = 1/8
  };

  /** Asked at once, and given up unless an answer, or anything else, comes. */
  const probe = () => {
    if (ended) return;
    heardAt = Math.min(heardAt, clock.monotonic() - listenFor);
    unanswered = 1;
    ask(clock.monotonic());
  };

  const onFrame = (bytes: Bytes) => {
    heardAt = clock.monotonic();
    unreachable = false;
    const frame = decodeFrame(bytes);
    if (!frame.ok) return end(fault('misbehaved', frame.error.message));
    switch (frame.value.kind) {
      case 'message': {
        bytesReceived += frame.value.part.byteLength;
        if (frame.value.narrow) learnNarrow();
        const message = reassembler.accept(frame.value);
        if (!message.ok) return end(fault('misbehaved', message.error.message));
        if (message.value) messages.emit(message.value);
        return;
      }
      case 'ping':
        if (channel.bufferedAmount() <= maxUnsentBytes) sendNow({ kind: 'pong', nonce: frame.value.nonce });
        return undefined;
      case 'pong':
        return onPong(frame.value.nonce);
      case 'close':
        return end(fault('closed-there', frame.value.reason));
      default:
        return frame.value satisfies never;
    }
  };

  const stopFrames = channel.frames(onFrame);
  const stopClosed = channel.closed(lost);
  const stopUnreachable = channel.unreachable(() => {
    unreachable = true;
    const now = clock.monotonic();
    const silentFor = now - heardAt;
    const asked = unanswered >= maxUnansweredOnceUnreachable && silentFor >= listenFor + answerWithin;
    if (asked && !hasSlept(now)) lostTo(silentFor);
    else probe();
  });
  const stopWatching = health.beats(watch);
  ping();

  return {
    peer: deps.peer,
    messages: messages.subscribe,
    closed: closed.subscribe,
    async send(message, priority, channel) {
      const sent = await queue.send(message, priority, channel);
      if (sent.ok) bytesSent += message.byteLength;
      return sent;
    },
    stats: () => ({
      bytesSent: byteCount(bytesSent),
      bytesReceived: byteCount(bytesReceived),
      rtt: rtt === undefined ? undefined : milliseconds(rtt),
    }),
    probe,
    relayed: () => channel.relayed(),
    close(reason) {
      if (ended) return;
      stopClosed(); // the other side closes on our word: that is not a loss
      try {
        channel.send(encodeFrame({ kind: 'close', reason: reason.slice(0, wireLimits.maxReasonBytes / 4) }));
      } catch {
        // it was lost already, and would have been closed
      }
      end(fault('closed-here', reason));
    },
  };
};
