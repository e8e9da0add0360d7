import { type JobId, type Milliseconds, milliseconds, type PeerId, type Sha256 } from '../core/brand.ts';
import { equalBytes, toBase64url } from '../core/bytes.ts';
import { createStore } from '../core/events.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { CryptoPort } from '../core/ports/crypto.ts';
import type { Locks } from '../core/ports/locks.ts';
import type { Random } from '../core/ports/random.ts';
import type { Telemetry } from '../core/ports/telemetry.ts';
import type { Timers } from '../core/ports/timers.ts';
import { err, fault, ok } from '../core/result.ts';
import type { LocalIdentity, PeerIdentity } from '../identity/types.ts';
import type { Rpc } from '../mesh/contracts.ts';
import type {
  FederatedInferenceCoordinator,
  InferenceMetrics,
  InferenceRequest,
  JobTerms,
  JobView,
  NodeStatus,
  PriceGate,
  TaskKind,
} from './contracts.ts';
import { openJob, restoreJob } from './job/open.ts';
import { isEnded, type JobEvent, type JobMachine, type JobOptions, type World } from './job/state.ts';
import { createJobViewer } from './job/view.ts';
import { createJobRunner, type JobRunner, toStoredJob } from './jobRunner.ts';
import type { JobStore, StoredJob, StoredResult } from './jobStore.ts';
import type { OcrEngine } from './ocr/types.ts';
import { createPeerBook, type PeerBookOptions } from './peerBook.ts';
import { prospectsOf, withPreferences } from './prospects.ts';
import type { ReceiptOutboxStore } from './receiptStore.ts';
import { createServing } from './serving.ts';
import { createSettlement } from './settlement.ts';
import { parseStoredJob, parseStoredResult } from './storedJobs.ts';

export type CoordinatorDeps = {
  readonly self: Pick<
    LocalIdentity,
    'account' | 'device' | 'peer' | 'deviceKey' | 'nodeKey' | 'deviceSigner'
  >;
  readonly engine: OcrEngine;
  readonly rpc: Rpc;
  readonly jobStore: JobStore;
  readonly receiptStore: ReceiptOutboxStore;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly locks: Locks;
  readonly crypto: Pick<CryptoPort, 'verify' | 'digest'>;
  readonly telemetry: Telemetry;
  /** SHA-256 of the models that this build reads with. */
  readonly models: Readonly<Record<TaskKind, Sha256>>;
  readonly name: () => string;
  /** Whether this node works for others now. */
  readonly mayServe: () => { readonly open: true } | { readonly open: false; readonly reason: string };
  /** Whether the person lets others see and do their work. */
  readonly mayUseOthers: () => boolean;
  /** Credentials of linked peers, as the overlay verified them. */
  readonly identityOf: (peer: PeerId) => PeerIdentity | undefined;
  readonly rtt: (peer: PeerId) => Milliseconds | undefined;
  /** Where there is none, nothing can be paid and budgets are refused. */
  readonly priceGate?: PriceGate;
};

export type CoordinatorOptions = Partial<JobOptions & PeerBookOptions & { readonly maxPages: number }>;

const seconds = (count: number) => milliseconds(count * 1_000);
export const coordinatorDefaults: Required<CoordinatorOptions> = {
  checkShare: 0.1,
  newcomerCheckShare: 0.5,
  opinionPatience: seconds(20),
  hedgeFactor: 2,
  hedgeFloor: seconds(2),
  backoff: [seconds(5), seconds(15), seconds(30)],
  maxFailuresPerTask: 8,
  linesPerTask: 8,
  breaker: { threshold: 3, openFor: seconds(15), maxOpenFor: seconds(300) },
  distrustFor: seconds(3_600),
  restFor: seconds(2),
  maxPages: 200,
};

/**
 * Reads pages together with whoever is here: cuts jobs into tasks, gives them to the nodes best able to do them,
 * checks what comes back, survives everybody leaving, and works for others in turn. Knows peers and their promises;
 * doesn't know how links carry messages, how models run, nor what a credit buys.
 */
export const createFederatedInferenceCoordinator = (
  deps: CoordinatorDeps,
  options: CoordinatorOptions = {},
): FederatedInferenceCoordinator => {
  const settings = { ...coordinatorDefaults, ...options };
  const { self, clock, telemetry } = deps;
  const jobs = createStore<readonly JobView[]>([]);
  const entriesById = new Map<JobId, JobEntry>();
  const counts = { accepted: 0, reassigned: 0, hedged: 0, checked: 0, wrong: 0 };
  const book = createPeerBook({ ...deps, own: () => ownOffer(deps) }, settings);
  const running = () =>
    [...entriesById.values()].flatMap(({ runner }) => (runner && !isEnded(runner.get()) ? [runner] : []));
  const tellAll = (event: JobEvent, except?: JobId) => {
    for (const runner of running()) if (runner.id !== except) runner.send(event);
  };
  const settlement = createSettlement({
    ...deps,
    store: deps.receiptStore,
    peersOfDevice: (deviceKey) =>
      book
        .statuses()
        .map(({ peer }) => peer)
        .filter((peer) => {
          const identity = deps.identityOf(peer);
          return identity !== undefined && equalBytes(identity.deviceKey, deviceKey);
        }),
    isRefused: ({ body }) => {
      const job = entriesById.get(body.job)?.runner?.get() ?? entriesById.get(body.job)?.job;
      return job !== undefined && isEnded(job);
    },
  });
  const serving = createServing({ ...deps, claimed: settlement.claimed });

  const world = (job: JobId): World => ({
    now: clock.monotonic(),
    wall: clock.now(),
    self: self.peer,
    selfAccount: self.account,
    candidates: withPreferences(book.candidates(), self.account, deps.priceGate?.preferences(job)),
    models: deps.models,
    verifiedCount: book.verified,
    nameOf: book.nameOf,
    draw: () => deps.random.next(),
    options: settings,
  });

  const publish = (job: JobMachine) => {
    const entry = entriesById.get(job.id);
    if (!entry) return;
    entry.job = job;
    const view = entry.view(job);
    const others = jobs.get().filter(({ id }) => id !== job.id);
    jobs.set([...others, view].sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1)));
  };

  const open = (job: JobMachine, files: readonly Blob[] | undefined, unlock: (() => void) | undefined) => {
    const entry: JobEntry = { job, view: createJobViewer(book.nameOf), runner: undefined, files, unlock };
    entriesById.set(job.id, entry);
    if (!isEnded(job)) entry.runner = run(job, entry);
    publish(job);
    return entry;
  };

  const run = (job: JobMachine, entry: JobEntry): JobRunner =>
    createJobRunner(
      {
        ...deps,
        book,
        world: () => world(job.id),
        store: deps.jobStore,
        statusOf: (peer) => book.statuses().find((status) => status.peer === peer),
        nameOf: book.nameOf,
        getFile: (page) => fileOf(job.id, page),
        settle: settlement.settle,
        blame(node) {
          counts.wrong++;
          book.blame(node);
          telemetry.log('warn', 'inference', 'an answer proved wrong', { peer: node });
          tellAll({ kind: 'distrusted', node });
        },
        silent: (node, reason) => tellAll({ kind: 'silent', node, reason }),
        count(what) {
          counts[what]++;
          telemetry.count(`inference_${what}_total`);
        },
        changed: publish,
        freed: () => tellAll({ kind: 'nudge' }, job.id),
        ended(last) {
          // What it owes is signed in order with its writes.
          void entry.runner?.flush().then(() => deps.priceGate?.ended(last.id));
          entry.job = last;
          entry.unlock?.();
          entry.unlock = undefined;
          telemetry.log('info', 'inference', `job ended: ${last.phase.phase}`, { job: last.id });
        },
      },
      job,
      { resumed: entry.files === undefined },
    );

  const fileOf = async (job: JobId, page: number): Promise<Blob | undefined> => {
    const held = entriesById.get(job)?.files?.[page];
    if (held) return held;
    try {
      return await deps.jobStore.getFile(job, page);
    } catch (cause) {
      telemetry.log('warn', 'inference', `a page could not be read back: ${messageOf(cause)}`, { job });
      return undefined;
    }
  };

  const submit = async ({ pages, audience, budget, strategy }: InferenceRequest) => {
    if (pages.length === 0) return err(fault('empty', 'no page was given: choose at least one image'));
    if (pages.length > settings.maxPages) {
      const found = `${pages.length} pages were given, at most ${settings.maxPages} go into one job`;
      return err(fault('too-many', `${found}: split them`));
    }
    const id = toBase64url(deps.random.bytes(16)) as JobId;
    if (budget !== undefined) {
      const reserved = await reserve(id, { budget, strategy, pages: pages.length });
      if (!reserved.ok) return reserved;
    }
    const unlock = await deps.locks.tryAcquire(lockName(id));
    const names = pages.map(({ name }) => name);
    const files = pages.map(({ file }) => file);
    const job = openJob({ id, audience, names, createdAt: clock.now(), now: clock.monotonic() });
    const { runner } = open(job, files, unlock);
    // Files first: a record without its files could not be gone on with.
    runner?.keep(async () => {
      await deps.jobStore.putFiles(id, files);
      await deps.jobStore.putJob(toStoredJob(job));
    });
    runner?.send({ kind: 'nudge' });
    return ok(id);
  };

  const reserve = async (id: JobId, terms: JobTerms) =>
    deps.priceGate?.reserve(id, terms, prospectsOf(book.candidates(), self.account, book.lost)) ??
    err(fault('budget', 'nothing can be paid here: there is no ledger. Ask without a budget.'));

  const resume = async () => {
    await orLog(() => settlement.load(), undefined, 'receipts on their way could not be read');
    const found = await orLog(() => deps.jobStore.listJobs(), [], 'stored jobs could not be read');
    for (const record of found) {
      const stored = parseStoredJob(record);
      if (!stored.ok) telemetry.log('warn', 'inference', `a stored job was skipped: ${stored.error.message}`);
      else if (!entriesById.has(stored.value.id)) await restore(stored.value);
    }
  };
  const restore = async (stored: StoredJob) => {
    const unlock = await deps.locks.tryAcquire(lockName(stored.id));
    // Another tab of this device works on it.
    if (!unlock) return;
    const records = await orLog(() => deps.jobStore.listResults(stored.id), [], 'results could not be read');
    const results: StoredResult[] = [];
    for (const record of records) {
      const result = parseStoredResult(record);
      if (result.ok) results.push(result.value);
      else telemetry.log('warn', 'inference', `a stored result was skipped: ${result.error.message}`);
    }
    const job = restoreJob(stored, results, clock.monotonic());
    const { runner } = open(job, undefined, isEnded(job) ? undefined : unlock);
    if (runner) runner.send({ kind: 'nudge' });
    else {
      unlock();
      deps.priceGate?.ended(stored.id);
    }
  };
  const orLog = async <T>(read: () => Promise<T>, otherwise: T, message: string): Promise<T> => {
    try {
      return await read();
    } catch (cause) {
      telemetry.log('warn', 'inference', `${message}: ${messageOf(cause)}`);
      return otherwise;
    }
  };

  const cancel = async (id: JobId) => {
    const runner = entriesById.get(id)?.runner;
    runner?.send({ kind: 'cancel' });
    await runner?.flush();
  };

  return {
    registerNode(status) {
      if (status.peer === self.peer) return;
      const known = book.statuses().some(({ peer }) => peer === status.peer);
      if (book.register(status)) tellAll({ kind: 'nudge' });
      if (!known) void settlement.greet(status.peer);
    },
    removeNode(peer, reason) {
      book.remove(peer);
      telemetry.log('info', 'inference', `a node left: ${reason}`, { peer });
      tellAll({ kind: 'nudge' });
    },
    submitInferenceRequest: submit,
    getRequestStatus: (id) => jobs.get().find((view) => view.id === id),
    cancelRequest: cancel,
    resumeStoredJobs: resume,
    async removeJob(id) {
      await cancel(id);
      if (!entriesById.delete(id)) return;
      jobs.update((views) => views.filter((view) => view.id !== id));
      await orLog(() => deps.jobStore.deleteJob(id), undefined, 'a job could not be removed from storage');
    },
    getPageFile: fileOf,
    getSystemMetrics: (): InferenceMetrics => ({
      nodes: book.statuses().length + 1,
      openNodes: book.candidates().filter(({ closed }) => closed === undefined).length,
      jobsRunning: running().length,
      tasksRunning: running().reduce((sum, runner) => sum + runner.get().attempts.size, 0),
      tasksDone: counts.accepted,
      tasksReassigned: counts.reassigned,
      tasksHedged: counts.hedged,
      checksMade: counts.checked,
      checksFailed: counts.wrong,
      servedForOthers: serving.served(),
    }),
    peerWork: (peer) => ({ ...book.work(peer), workingForIt: serving.workingFor(peer) }),
    queued: serving.load,
    reconsider: () => tellAll({ kind: 'nudge' }),
    jobs,
    receipts: settlement.receipts,
    async close() {
      for (const { runner, unlock } of entriesById.values()) {
        runner?.close();
        await runner?.flush();
        unlock?.();
      }
      serving.close();
      settlement.close();
    },
  };
};

type JobEntry = {
  job: JobMachine;
  readonly view: (job: JobMachine) => JobView;
  runner: JobRunner | undefined;
  /** In memory for jobs of this page's life; else the store has them. */
  readonly files: readonly Blob[] | undefined;
  unlock: (() => void) | undefined;
};

const lockName = (job: JobId) => `aivillage/job/${job}`;

const ownOffer = ({ engine, name, models }: CoordinatorDeps) => {
  const { choice } = engine.state.get();
  const speeds: NodeStatus['speeds'] = choice?.measured ?? [];
  return { name: name(), slots: engine.ownSlots(), speeds, runtime: choice?.chosen, models };
};

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
