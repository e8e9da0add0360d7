import type { AccountId, Milliseconds, PeerId, Sha256 } from '../core/brand.ts';
import { milliseconds } from '../core/brand.ts';
import type { TaskKind } from './contracts.ts';
import { inferenceLimits } from './schemas.ts';

/** One node that might do a task, as the requester sees it now. */
export type Candidate = {
  readonly peer: PeerId;
  readonly account: AccountId;
  readonly name: string;
  /** This device. */
  readonly self: boolean;
  /** Why it can't be given work now; undefined when it can. */
  readonly closed: string | undefined;
  /** Its breaker lets one trial through. */
  readonly trial: boolean;
  readonly slots: number;
  /** Tasks of ours that it has now, and those of them that run longer than twice what was expected. */
  readonly outstanding: number;
  readonly overdue: number;
  /** Tasks it says wait there, ours included. */
  readonly queued: number;
  readonly rtt: Milliseconds;
  /** Measured towards it; undefined until the first large task came back. */
  readonly bytesPerMs: number | undefined;
  /** Megapixels per second of one slot: measured by us, else said by it, else undefined. */
  readonly speeds: Readonly<Partial<Record<TaskKind, number>>>;
  readonly models: Readonly<Partial<Record<TaskKind, Sha256>>>;
  /** Failures in a row. */
  readonly failures: number;
  /** Its answers that were recomputed elsewhere and held. */
  readonly verified: number;
  /** How gladly it is given work of this job, 0 to 1; 1 if nothing is said. */
  readonly weight: number;
};

export type TaskShape = { readonly kind: TaskKind; readonly pixels: number; readonly bytes: number };

export type RoutingContext = {
  /** Nodes that already have, or already failed, this task. */
  readonly avoid: readonly PeerId[];
  /** Nobody but this device may see the input. */
  readonly alone: boolean;
  /** The model we would use; others only count if they use the same. */
  readonly model: Sha256;
  /** Only nodes that would start at once: a hedge that queues helps nobody. */
  readonly idleOnly?: boolean;
};

export type Routing =
  | { readonly choice: 'peer'; readonly candidate: Candidate; readonly expectedMs: Milliseconds }
  /** The best one is full: waiting for it ends sooner than starting elsewhere. */
  | { readonly choice: 'busy'; readonly candidate: Candidate }
  | { readonly choice: 'nobody'; readonly reason: string };

/**
 * Where nothing is measured yet: one WASM thread of a slow laptop. Deliberately low, so that a newcomer is tried but
 * does not draw the whole job before it has shown anything.
 */
export const priorMegapixelsPerSecond: Readonly<Record<TaskKind, number>> = {
  'ocr.detect': 0.8,
  'ocr.recognize': 0.12,
};
const priorBytesPerMs = 1_000;
/** So that the better of two who are only asked last still comes first. */
const leastWeight = 1e-6;

/**
 * Who gets a task: the node with the earliest expected finish,
 *
 *     (rtt + bytes/bandwidth + (wait + 1) · pixels/speed) · (1 + failures + overdue) / weight
 *
 * where `wait` is the work ahead of it per slot. This is list scheduling by earliest completion time (the "minimum
 * completion time" rule of Ibarra and Kim, JACM 24(2), 1977). A node holds at most `slots + 1` of our tasks, one on the
 * way while the others run (this device only `slots`: nothing is on the way to itself). If the earliest finisher is
 * full the answer is `busy`, and the caller counts the task as reserved there, so that the next one sees a longer
 * queue: slow nodes then get exactly the tasks that they finish before the fast ones would.
 */
export const choosePeer = (
  task: TaskShape,
  candidates: readonly Candidate[],
  context: RoutingContext,
): Routing => {
  const eligible = candidates.filter((candidate) => isEligible(task, candidate, context));
  let best: { candidate: Candidate; expectedMs: Milliseconds; cost: number } | undefined;
  for (const candidate of eligible) {
    const full = isFull(candidate, context);
    // A queue behind a task that does not end is no place to wait.
    if (full && (context.idleOnly || candidate.trial || candidate.overdue > 0)) continue;
    const expectedMs = expectedFinish(task, candidate);
    const trouble = 1 + candidate.failures + candidate.overdue;
    const cost = (expectedMs * trouble) / Math.max(candidate.weight, leastWeight);
    if (!best || cost < best.cost) best = { candidate, expectedMs, cost };
  }
  if (!best) {
    const [first] = eligible;
    return first
      ? { choice: 'busy', candidate: first }
      : { choice: 'nobody', reason: whyNobody(candidates, context) };
  }
  const { candidate, expectedMs } = best;
  return isFull(candidate, context)
    ? { choice: 'busy', candidate }
    : { choice: 'peer', candidate, expectedMs };
};

export const expectedFinish = ({ kind, pixels, bytes }: TaskShape, candidate: Candidate): Milliseconds => {
  const speed = candidate.speeds[kind] ?? priorMegapixelsPerSecond[kind];
  const service = pixels / 1_000 / Math.max(speed, 1e-6);
  const transfer = candidate.self ? 0 : bytes / (candidate.bytesPerMs ?? priorBytesPerMs);
  const ahead = Math.max(candidate.outstanding, candidate.queued);
  const slots = Math.max(1, candidate.slots);
  const wait = Math.max(0, ahead - slots + 1) / slots;
  return milliseconds(candidate.rtt + transfer + (wait + 1) * service);
};

const isEligible = (task: TaskShape, candidate: Candidate, context: RoutingContext): boolean => {
  if (candidate.closed !== undefined || candidate.slots < 1) return false;
  if (context.avoid.includes(candidate.peer)) return false;
  if (candidate.self) return true;
  if (context.alone || task.bytes > inferenceLimits.maxInputBytes) return false;
  const model = candidate.models[task.kind];
  return model === undefined || model === context.model;
};

const isFull = (candidate: Candidate, { idleOnly }: RoutingContext): boolean => {
  if (candidate.trial) return candidate.outstanding > 0;
  const most = candidate.self || idleOnly ? candidate.slots : candidate.slots + 1;
  return candidate.outstanding >= most;
};

const whyNobody = (candidates: readonly Candidate[], { alone, avoid }: RoutingContext): string => {
  const own = candidates.find(({ self }) => self);
  const others = candidates.filter(({ self }) => !self);
  const ownReason = own?.closed ?? (own && own.slots < 1 ? 'this device is paused' : undefined);
  if (alone) return ownReason ?? 'this device could not do it just now';
  if (others.length === 0) {
    return ownReason ? `nobody else is here, and ${ownReason}` : 'nobody else is here';
  }
  if (avoid.length > 0) return 'everybody who is here has failed at it just now';
  return ownReason ? `nobody here takes work now, and ${ownReason}` : 'nobody here takes work now';
};
