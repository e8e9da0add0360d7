import { type AccountId, type Milliseconds, milliseconds, type PeerId, type Sha256 } from '../core/brand.ts';
import type { Clock } from '../core/ports/clock.ts';
import {
  type Breaker,
  type BreakerOptions,
  breakerAfterFailure,
  breakerAfterSuccess,
  breakerAt,
  closedBreaker,
  tripBreaker,
} from '../resilience/index.ts';
import { type Candidate, priorMegapixelsPerSecond } from './choosePeer.ts';
import type { NodeStatus, PeerWork, TaskKind } from './contracts.ts';
import type { Attempt, Task } from './job/state.ts';

export type PeerBookOptions = {
  readonly breaker: BreakerOptions;
  /** How long a node whose answer was wrong is left alone. */
  readonly distrustFor: Milliseconds;
  /** How long a node that said "no" or "too much" is not asked again. */
  readonly restFor: Milliseconds;
};

/** How an attempt ended, as far as it says something about the node. */
export type AttemptEnd =
  | {
      readonly kind: 'answered';
      readonly task: Pick<Task, 'bytes' | 'pixels'>;
      /** When the node said that the input was there; what came before is transfer, what comes after is work. */
      readonly receivedAt: Milliseconds | undefined;
    }
  | { readonly kind: 'failed' }
  /** Linked, but no sign of life: what it has now is lost, and more would be too. */
  | { readonly kind: 'silent' }
  /** It said no: nothing is wrong with it, it has no room or no wish. */
  | { readonly kind: 'declined' }
  | { readonly kind: 'stopped' };

/**
 * What this node knows of those it may give work to: what they say of themselves, what it measured, whom it trusts.
 * Doesn't know jobs, nor how work is given.
 */
export interface PeerBook {
  /** True if the node was unknown or was closed and is open now: somebody who waits may go on. */
  register(status: NodeStatus): boolean;
  remove(peer: PeerId): void;
  statuses(): readonly NodeStatus[];
  candidates(): readonly Candidate[];
  started(attempt: Attempt, task: Task): void;
  ended(attempt: Attempt, end: AttemptEnd): void;
  /** Its answer was recomputed elsewhere and held. */
  vouch(peer: PeerId): void;
  blame(peer: PeerId): void;
  verified(peer: PeerId): number;
  /** Tasks that it lost and answers that proved wrong. */
  lost(peer: PeerId): number;
  nameOf(peer: PeerId): string;
  accountOf(peer: PeerId): AccountId | undefined;
  work(peer: PeerId): Omit<PeerWork, 'workingForIt'>;
}

/** Kept after a node left, so that one that comes back is the one it was. */
type PeerRecord = {
  readonly name: string;
  readonly breaker: Breaker;
  readonly failures: number;
  /** Tasks that it failed or fell silent over. */
  readonly lost: number;
  readonly verified: number;
  readonly wrong: number;
  readonly tasksDone: number;
  readonly speeds: Readonly<Partial<{ [Kind in TaskKind]: number }>>;
  readonly bytesPerMs: number | undefined;
  readonly restUntil: Milliseconds;
  readonly lastAnswerAt: Milliseconds;
};
const emptyRecord: PeerRecord = {
  name: '',
  breaker: closedBreaker,
  failures: 0,
  lost: 0,
  verified: 0,
  wrong: 0,
  tasksDone: 0,
  speeds: {},
  bytesPerMs: undefined,
  restUntil: milliseconds(0),
  lastAnswerAt: milliseconds(0),
};
/** The oldest are forgotten first; a room holds a dozen. */
const rememberedPeers = 500;
/** Weight of the newest sample. */
const smoothing = 0.3;

export const createPeerBook = (
  deps: {
    readonly clock: Clock;
    readonly self: { readonly peer: PeerId; readonly account: AccountId };
    readonly own: () => {
      readonly name: string;
      readonly slots: number;
      readonly speeds: NodeStatus['speeds'];
      readonly runtime: NodeStatus['runtime'];
      readonly models: Readonly<Partial<{ [Kind in TaskKind]: Sha256 }>>;
    };
    readonly mayUseOthers: () => boolean;
    readonly rtt: (peer: PeerId) => Milliseconds | undefined;
  },
  options: PeerBookOptions,
): PeerBook => {
  const statusesByPeer = new Map<PeerId, NodeStatus>();
  const recordsByPeer = new Map<PeerId, PeerRecord>();
  const attemptsByPeer = new Map<PeerId, Map<Attempt, Task>>();
  const now = () => deps.clock.monotonic();
  const recordOf = (peer: PeerId) => recordsByPeer.get(peer) ?? emptyRecord;
  const update = (peer: PeerId, changes: Partial<PeerRecord>) => {
    const next = { ...recordOf(peer), ...changes };
    recordsByPeer.delete(peer);
    recordsByPeer.set(peer, next);
    const [oldest] = recordsByPeer.keys();
    if (recordsByPeer.size > rememberedPeers && oldest !== undefined) recordsByPeer.delete(oldest);
  };
  const running = (peer: PeerId) => attemptsByPeer.get(peer) ?? new Map<Attempt, Task>();

  const standing = (peer: PeerId) => {
    const record = recordOf(peer);
    const breaker = breakerAt(record.breaker, now());
    const attempts = [...running(peer).keys()];
    return {
      peer,
      trial: breaker.phase === 'half-open',
      outstanding: attempts.length,
      overdue: attempts.filter(({ startedAt, expectedMs }) => now() - startedAt > 2 * expectedMs + 1_000)
        .length,
      bytesPerMs: record.bytesPerMs,
      failures: record.failures,
      verified: record.verified,
      weight: 1,
      closed:
        breaker.phase === 'open'
          ? 'it failed or was wrong and is left alone for a while'
          : record.restUntil > now()
            ? 'it takes no more work just now'
            : undefined,
    };
  };
  const ownCandidate = (): Candidate => {
    const own = deps.own();
    const base = standing(deps.self.peer);
    return {
      ...base,
      account: deps.self.account,
      name: own.name,
      self: true,
      closed: own.slots < 1 ? 'this device is paused' : base.closed && 'this device failed just now',
      slots: own.slots,
      queued: 0,
      rtt: milliseconds(0),
      speeds: { ...saidSpeeds(own), ...recordOf(deps.self.peer).speeds },
      models: own.models,
    };
  };
  const toCandidate = (status: NodeStatus): Candidate => {
    const base = standing(status.peer);
    const unwilling = status.accepts.open ? undefined : status.accepts.reason;
    const unused = deps.mayUseOthers() ? undefined : 'you chose to use this device only';
    return {
      ...base,
      account: status.account,
      name: status.name,
      self: false,
      closed: unused ?? unwilling ?? base.closed,
      slots: status.slots,
      queued: status.queued,
      rtt: deps.rtt(status.peer) ?? unknownRtt,
      speeds: { ...saidSpeeds(status), ...recordOf(status.peer).speeds },
      models: status.models,
    };
  };

  const measure = (attempt: Attempt, kind: TaskKind, end: Extract<AttemptEnd, { kind: 'answered' }>) => {
    const { node, startedAt } = attempt;
    const record = recordOf(node);
    const own = node === deps.self.peer;
    const slots = own ? deps.own().slots : (statusesByPeer.get(node)?.slots ?? 1);
    const receivedAt = end.receivedAt ?? startedAt;
    // A task that queued behind another there began when that one ended.
    const queued = running(node).size >= slots;
    const began = queued ? Math.max(receivedAt, record.lastAnswerAt) : receivedAt;
    const speed = end.task.pixels / 1_000 / Math.max(1, now() - began);
    const rate = end.task.bytes / Math.max(1, receivedAt - startedAt - (deps.rtt(node) ?? 0));
    const ratable = !own && end.receivedAt !== undefined && end.task.bytes >= smallestRatedTransfer;
    return {
      speeds: { ...record.speeds, [kind]: smooth(record.speeds[kind] ?? speed, speed) },
      bytesPerMs: ratable ? smooth(record.bytesPerMs ?? rate, rate) : record.bytesPerMs,
    };
  };

  /** A task taken away again bounds the node's speed from above: it would have needed longer still. */
  const slowerThan = (attempt: Attempt, { kind, pixels }: Task): Partial<PeerRecord> => {
    const { speeds } = recordOf(attempt.node);
    const known = speeds[kind] ?? priorMegapixelsPerSecond[kind];
    const elapsed = now() - attempt.startedAt;
    const bound = pixels / 1_000 / Math.max(1, elapsed);
    return elapsed > attempt.expectedMs && bound < known ? { speeds: { ...speeds, [kind]: bound } } : {};
  };

  return {
    register(status) {
      const known = statusesByPeer.get(status.peer);
      statusesByPeer.set(status.peer, status);
      update(status.peer, { name: status.name });
      return !known || (!known.accepts.open && status.accepts.open) || known.slots < status.slots;
    },
    remove: (peer) => void statusesByPeer.delete(peer),
    statuses: () => [...statusesByPeer.values()],
    candidates: () => [ownCandidate(), ...[...statusesByPeer.values()].map(toCandidate)],
    started(attempt, task) {
      attemptsByPeer.set(attempt.node, running(attempt.node).set(attempt, task));
    },
    ended(attempt, end) {
      const attempts = running(attempt.node);
      const task = attempts.get(attempt);
      if (!task) return;
      const record = recordOf(attempt.node);
      if (end.kind === 'answered') {
        update(attempt.node, {
          ...measure(attempt, task.kind, end),
          failures: 0,
          breaker: breakerAfterSuccess(record.breaker, now()),
          tasksDone: record.tasksDone + 1,
          lastAnswerAt: now(),
        });
      } else if (end.kind === 'failed') {
        update(attempt.node, {
          failures: record.failures + 1,
          lost: record.lost + 1,
          breaker: breakerAfterFailure(record.breaker, now(), options.breaker),
        });
      } else if (end.kind === 'silent') {
        update(attempt.node, {
          failures: record.failures + 1,
          lost: record.lost + 1,
          breaker: isOpen(record.breaker, now())
            ? record.breaker
            : tripBreaker(record.breaker, now(), options.breaker),
        });
      } else if (end.kind === 'stopped') {
        update(attempt.node, slowerThan(attempt, task));
      } else if (end.kind === 'declined') {
        update(attempt.node, { restUntil: milliseconds(now() + options.restFor) });
      }
      attempts.delete(attempt);
    },
    vouch: (peer) => update(peer, { verified: recordOf(peer).verified + 1 }),
    blame(peer) {
      const record = recordOf(peer);
      update(peer, {
        wrong: record.wrong + 1,
        verified: 0,
        breaker: tripBreaker(record.breaker, now(), options.breaker, options.distrustFor),
      });
    },
    verified: (peer) => recordOf(peer).verified,
    lost: (peer) => recordOf(peer).lost + recordOf(peer).wrong,
    nameOf: (peer) =>
      peer === deps.self.peer ? deps.own().name : recordOf(peer).name || `node ${peer.slice(0, 6)}`,
    accountOf: (peer) => (peer === deps.self.peer ? deps.self.account : statusesByPeer.get(peer)?.account),
    work(peer) {
      const { tasksDone, wrong, breaker } = recordOf(peer);
      return {
        workingForUs: running(peer).size,
        tasksDone,
        wrong,
        breaker: breakerAt(breaker, now()).phase,
      };
    },
  };
};

/** Before the first ping: a home network and a mobile one in between. */
const unknownRtt = milliseconds(50);
/** Below this many bytes the time to arrive is latency, and says nothing of bandwidth. */
const smallestRatedTransfer = 50_000;

const isOpen = (breaker: Breaker, now: Milliseconds): boolean => breakerAt(breaker, now).phase === 'open';

const smooth = (known: number, sample: number): number => known + smoothing * (sample - known);

const saidSpeeds = ({ speeds, runtime }: Pick<NodeStatus, 'speeds' | 'runtime'>) => {
  const said = (speeds.find((speed) => speed.runtime === runtime) ?? speeds[0])?.megapixelsPerSecond;
  const result: Partial<{ [Kind in TaskKind]: number }> = {};
  for (const kind of ['ocr.detect', 'ocr.recognize'] as const) {
    const speed = said?.[kind];
    if (speed !== undefined && speed > 0) result[kind] = speed;
  }
  return result;
};
