import { milliseconds } from '../../core/brand.ts';
import { createStore, type Store } from '../../core/events.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Locks } from '../../core/ports/locks.ts';
import type { Random } from '../../core/ports/random.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import type { Timers } from '../../core/ports/timers.ts';
import { err, type Fault, fault, ok, type Result } from '../../core/result.ts';
import type { LedgerAccess, SubmittedOperation } from '../../ledger/access.ts';
import { commitmentOf, unitKeyOf } from '../../ledger/transition/mint/commitment.ts';
import { mintLimits } from '../../ledger/transition/mint/limits.ts';
import type { LedgerState } from '../../ledger/types.ts';
import type { Holder } from '../../ledger/wallet/outbox.ts';
import type { KeyValueStore } from '../../storage/port.ts';
import { keepWanted, openWorkMemory, readWanted, type WorkMemory } from './memory.ts';
import { heldUnits, nextWork, type Situation, stepKey, type WorkStep } from './nextWork.ts';
import { outputOf } from './output.ts';
import { type ReadingEngine, readAlone } from './reading.ts';
import type { InputList, PageSource } from './source.ts';

export type WorkerDeps = {
  readonly ledger: LedgerAccess;
  readonly holder: Store<Holder | undefined>;
  readonly engine: ReadingEngine;
  readonly source: Pick<PageSource, 'page'>;
  readonly lists: Store<readonly InputList[]>;
  readonly store: KeyValueStore;
  readonly locks: Pick<Locks, 'tryAcquire'>;
  readonly clock: Clock;
  readonly timers: Pick<Timers, 'every'>;
  readonly random: Pick<Random, 'bytes'>;
  readonly telemetry: Telemetry;
  /** Why consent does not allow it, in words. */
  forbidden(): string | undefined;
  /** Why the device has no time now: own work, others' work, a limit. What this worker does itself doesn't count. */
  busy(): string | undefined;
};

export type WorkerStatus = {
  readonly wanted: boolean;
  readonly obstacle: string | undefined;
  readonly phase: 'off' | 'other-tab' | 'waiting' | 'reading' | 'signing';
  readonly doing: string;
  readonly problem: string | undefined;
  readonly pageMs: number | undefined;
};

export interface PublicWorker {
  readonly status: Store<WorkerStatus>;
  setWanted(wanted: boolean): Promise<void>;
  close(): void;
}

const lookEvery = milliseconds(2_000);
const tryAgainAfter = 30_000;
/** One more than the longest way of a unit that nobody holds any more. */
const keepEpochs = mintLimits.partnerEpochs + 4 * mintLimits.turnEpochs;
const lockName = 'aivillage/public-work';

/**
 * Does what `nextWork` decides, one page and one operation at a time, in one tab of the device. Keeps an output and its salt
 * before anything of it is signed, so it may end at any moment and another tab goes on. Doesn't know how operations are
 * ordered, nor what a page says.
 */
export const openPublicWorker = (deps: WorkerDeps): PublicWorker => {
  const { ledger, clock, telemetry } = deps;
  const desk = createDesk(deps);
  const resting = new Map<string, { readonly until: number; readonly reason: string }>();
  let closed = false;
  let wanted = false;
  let reading: { readonly key: string; readonly title: string; readonly abort: AbortController } | undefined;
  let sending: string | undefined;
  /** Our last operation is in the block of this height: before, the state doesn't show it. */
  let ordered = 0;
  let pageMs: number | undefined;
  let forgotten = -1;

  const obstacle = () => obstacleOf(deps);
  const situation = (state: LedgerState): Situation => ({
    wanted: wanted && obstacle() === undefined,
    busy: deps.busy(),
    epochAgeMs: ledger.epochAgeMs(),
    pageMs,
    sending: sending !== undefined || state.position.height < ordered,
    reading: reading !== undefined,
    lists: deps.lists.get(),
    resting: new Set(resting.keys()),
  });
  const status = createStore<WorkerStatus>({
    wanted,
    obstacle: undefined,
    phase: 'off',
    doing: 'starting',
    problem: undefined,
    pageMs,
  });

  const failed = (step: WorkStep, { code, message: reason }: Fault): void => {
    if (code === 'cancelled') return;
    telemetry.log('warn', 'public work', reason, { step: step.kind });
    resting.set(stepKey(step), { until: clock.monotonic() + tryAgainAfter, reason });
  };
  /** What failed still is what should be done: an operation that was refused because it was done already is no problem. */
  const problemNow = (state: LedgerState, memory: WorkMemory): string | undefined => {
    if (resting.size === 0) return undefined;
    const now = { ...situation(state), sending: false, reading: false, resting: new Set<string>() };
    return resting.get(stepKey(nextWork(state, ledger.account, memory.kept, now)))?.reason;
  };
  const show = (state: LedgerState | undefined, why: string): void => {
    const memory = desk.memory();
    const doing = reading ? `reading ${reading.title}` : (sending ?? why);
    const active = reading ? 'reading' : sending ? 'signing' : wanted ? 'waiting' : 'off';
    const next: WorkerStatus = {
      wanted,
      obstacle: obstacle(),
      phase: memory || !wanted ? active : 'other-tab',
      doing: memory || !wanted ? doing : 'another tab of this device does it',
      problem: state && memory ? problemNow(state, memory) : undefined,
      pageMs,
    };
    if (JSON.stringify(next) !== JSON.stringify(status.get())) status.set(next);
  };

  const read = async (
    step: Extract<WorkStep, { readonly kind: 'read' }>,
    state: LedgerState,
    memory: WorkMemory,
  ): Promise<void> => {
    const { listing, unit } = step.due;
    const abort = new AbortController();
    const title = `page ${unit + 1} of “${state.mint.listings.get(listing)?.title ?? listing}”`;
    reading = { key: stepKey(step), title, abort };
    const began = clock.monotonic();
    try {
      const output = await readPage(deps, step, abort.signal);
      if (closed || abort.signal.aborted) return;
      if (!output.ok) {
        failed(step, output.error);
        return;
      }
      const took = Math.max(1, Math.ceil(clock.monotonic() - began));
      pageMs = pageMs === undefined ? took : Math.ceil((3 * pageMs + took) / 4);
      const salt = deps.random.bytes(32);
      await memory.keep(unitKeyOf(listing, unit), { output: output.value, salt, epoch: state.epoch });
    } catch (cause) {
      failed(step, fault('broken', `what was read can't be kept here: ${textOf(cause)}`));
    } finally {
      reading = undefined;
    }
  };
  const send = async (step: Exclude<WorkStep, { readonly kind: 'rest' | 'read' }>): Promise<void> => {
    sending = wordsOf(step);
    try {
      const sent = await submit(ledger, step);
      if (closed) return;
      if (!sent.ok) {
        failed(step, sent.error);
        return;
      }
      const outcome = await sent.value.settled();
      if (outcome.phase === 'final') ordered = outcome.height;
      else failed(step, fault('refused', outcome.reason));
    } catch (cause) {
      failed(step, fault('broken', `it can't be signed here: ${textOf(cause)}`));
    } finally {
      sending = undefined;
    }
  };

  const begin = (work: Promise<void>): void => {
    void work.then(() => turn());
  };
  /** Starts what can be started; whatever ends comes back here. */
  const turn = (): void => {
    if (closed) return;
    const state = ledger.state.get();
    const memory = desk.memory();
    if (!state || !memory) {
      show(state, state ? 'waiting' : 'the ledger is being opened');
      return;
    }
    for (const [key, { until }] of [...resting]) if (until <= clock.monotonic()) resting.delete(key);
    stopIfUnwanted();
    let why = 'waiting';
    // At most one page and one operation at a time: two steps, then rest.
    for (let steps = 0; steps < 3; steps++) {
      const step = nextWork(state, ledger.account, memory.kept, situation(state));
      if (step.kind === 'rest') {
        why = step.why;
        break;
      }
      begin(step.kind === 'read' ? read(step, state, memory) : send(step));
    }
    forgetOld(state, memory);
    show(state, why);
  };
  const stopIfUnwanted = (): void => {
    if (reading && (!wanted || obstacle() !== undefined || deps.busy() !== undefined)) reading.abort.abort();
  };
  const forgetOld = (state: LedgerState, memory: WorkMemory): void => {
    if (state.epoch === forgotten) return;
    forgotten = state.epoch;
    memory.forget(state.epoch - keepEpochs, heldUnits(state, ledger.account)).catch((cause: unknown) => {
      telemetry.log('warn', 'public work', `old outputs stay: ${textOf(cause)}`);
    });
  };
  const look = async (): Promise<void> => {
    try {
      wanted = await readWanted(deps.store);
      await desk.sit(ledger.state.get());
    } catch (cause) {
      telemetry.log('warn', 'public work', `storage can't be read: ${textOf(cause)}`);
    }
    turn();
  };

  const stops = [
    deps.timers.every(lookEvery, () => void look()),
    ledger.state.subscribe(() => void (desk.memory() ? turn() : look())),
    deps.lists.subscribe(turn),
  ];
  void look();
  return {
    status,
    async setWanted(next) {
      await keepWanted(deps.store, next);
      wanted = next;
      turn();
    },
    close() {
      closed = true;
      for (const stop of stops) stop();
      reading?.abort.abort();
      desk.leave();
    },
  };
};

/** Who sits at it works: one tab of the device, with what any of them has kept. */
const createDesk = ({ locks, store, ledger }: WorkerDeps) => {
  let release: (() => void) | undefined;
  let memory: WorkMemory | undefined;
  let left = false;
  let sitting = false;
  return {
    memory: () => memory,
    async sit(state: LedgerState | undefined) {
      if (memory || sitting || !state) return;
      sitting = true;
      try {
        release ??= await locks.tryAcquire(lockName);
        if (!release) return;
        const read = await openWorkMemory(store, { net: state.net, account: ledger.account });
        if (left) release();
        else memory = read;
      } finally {
        sitting = false;
      }
    },
    leave() {
      left = true;
      memory = undefined;
      release?.();
    },
  };
};

const obstacleOf = ({ store, holder, forbidden }: WorkerDeps): string | undefined => {
  if (holder.get() === 'elsewhere')
    return 'another device signs for this account: public work is done there, or move the wallet here';
  if (!store.durable)
    return 'this browser keeps nothing here: a reload would lose what was promised, and with it the streak';
  return forbidden();
};

const readPage = async (
  deps: WorkerDeps,
  { page }: Extract<WorkStep, { readonly kind: 'read' }>,
  signal: AbortSignal,
): Promise<Result<Uint8Array<ArrayBuffer>, Fault>> => {
  const file = await deps.source.page(page, signal);
  if (!file.ok) return file;
  if (signal.aborted) return err(fault('cancelled', 'stopped'));
  const read = await readAlone(deps, file.value, signal);
  if (!read.ok) return err(fault(read.error.code, `the page can't be read: ${read.error.message}`));
  return ok(outputOf(read.value.lines));
};

const submit = (
  ledger: LedgerAccess,
  step: Exclude<WorkStep, { readonly kind: 'rest' | 'read' }>,
): Promise<Result<SubmittedOperation, Fault>> => {
  if (step.kind === 'enrol') return ledger.submit('enrol', { listing: step.listing, units: step.units });
  const { output, salt } = step.work;
  const unit = { listing: step.due.listing, unit: step.due.unit };
  switch (step.kind) {
    case 'commit': {
      const commitment = commitmentOf({ account: ledger.account, ...unit, output, salt });
      return ledger.submit('commit', { ...unit, slot: step.due.slot, commitment });
    }
    case 'reveal':
      return ledger.submit('reveal', { ...unit, slot: step.due.slot, output, salt });
    case 'judge':
      return ledger.submit('judge', { ...unit, output, openings: [] });
    default:
      return step satisfies never;
  }
};

const wordsOf = (step: Exclude<WorkStep, { readonly kind: 'rest' | 'read' }>): string => {
  if (step.kind === 'enrol') return step.units > 0 ? 'asking for pages' : 'taking back what was asked for';
  const page = `page ${step.due.unit + 1}`;
  if (step.kind === 'commit') return `committing to ${page}`;
  return step.kind === 'reveal' ? `revealing ${page}` : `judging ${page}`;
};

const textOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
