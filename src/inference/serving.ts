import type { Milliseconds, PeerId, Sha256 } from '../core/brand.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { CryptoPort } from '../core/ports/crypto.ts';
import type { SpanContext, Telemetry } from '../core/ports/telemetry.ts';
import { err, type Fault, fault, ok, type Result } from '../core/result.ts';
import type { LocalIdentity, PeerIdentity } from '../identity/types.ts';
import type { HandlerContext, Rpc } from '../mesh/contracts.ts';
import { runOnEngine } from './attempts.ts';
import type { TaskKind, WorkReceipt } from './contracts.ts';
import { inputPixels } from './cost.ts';
import { hashInput, hashOutput } from './hashes.ts';
import type { OcrEngine } from './ocr/types.ts';
import { type TaskProgress, type TaskRequest, type TaskResponse, taskMethods } from './protocol.ts';
import { claimReceipt, receiptBodyFor } from './receipts.ts';

export type ServingDeps = {
  readonly self: Pick<LocalIdentity, 'account' | 'deviceKey' | 'deviceSigner'>;
  readonly engine: Pick<OcrEngine, 'detect' | 'recognize' | 'slots' | 'state'>;
  readonly rpc: Rpc;
  readonly crypto: Pick<CryptoPort, 'digest'>;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly models: Readonly<Record<TaskKind, Sha256>>;
  readonly identityOf: (peer: PeerId) => PeerIdentity | undefined;
  readonly mayServe: () => { readonly open: true } | { readonly open: false; readonly reason: string };
  readonly claimed: (claim: WorkReceipt) => Promise<void>;
};

export interface Serving {
  /** Tasks of others that are here now. */
  load(): number;
  workingFor(peer: PeerId): number;
  served(): number;
  close(): void;
}

type Refusal = Fault<'refused' | 'overloaded' | 'failed'>;
type Ticket = { readonly from: PeerId; readonly begin: () => void };

/** Tasks that wait here per slot, over all requesters: enough to hide the network, few enough to be done soon. */
const waitingPerSlot = 2;

/**
 * Work for others: within the person's limits, a fair part for each requester, and never on bytes that are not what the
 * requester says they are. Signs what it did. Doesn't know jobs, nor whether an answer is believed.
 */
export const createServing = (deps: ServingDeps): Serving => {
  const { rpc, engine } = deps;
  const tickets = new Set<Ticket>();
  const waiting: Ticket[] = [];
  let running = 0;
  let served = 0;

  const workingFor = (peer: PeerId): number => [...tickets].filter(({ from }) => from === peer).length;

  const admit = (from: PeerId, model: Sha256, kind: TaskKind): Result<PeerIdentity, Refusal> => {
    const serves = deps.mayServe();
    if (!serves.open) return err(fault('refused', serves.reason));
    const requester = deps.identityOf(from);
    if (!requester) return err(fault('refused', 'this node is not linked to you'));
    if (model !== deps.models[kind]) {
      return err(fault('refused', `this node reads with another model (${deps.models[kind].slice(0, 8)})`));
    }
    const slots = engine.slots();
    if (slots < 1) return err(fault('refused', 'this device is paused'));
    // One on the way while the others run; the same bound that requesters keep to.
    if (workingFor(from) > slots) {
      return err(fault('overloaded', `${workingFor(from)} of your tasks are here already`));
    }
    if (tickets.size >= slots * (1 + waitingPerSlot)) {
      return err(fault('overloaded', `${tickets.size} tasks wait here already`));
    }
    return ok(requester);
  };

  /** Waits for a slot; the order of arrival. */
  const enter = (from: PeerId, signal: AbortSignal): Promise<Ticket> =>
    new Promise((resolve) => {
      const ticket: Ticket = {
        from,
        begin() {
          running++;
          resolve(ticket);
        },
      };
      tickets.add(ticket);
      if (running < engine.slots()) ticket.begin();
      else waiting.push(ticket);
      // A cancelled one must not hold up the rest: it goes through, and ends at once.
      signal.addEventListener('abort', () => {
        const at = waiting.indexOf(ticket);
        if (at >= 0) waiting.splice(at, 1)[0]?.begin();
      });
    });
  const leave = (ticket: Ticket): void => {
    tickets.delete(ticket);
    running--;
    while (running < Math.max(1, engine.slots()) && waiting.length > 0) waiting.shift()?.begin();
  };

  const serve = async <Kind extends TaskKind>(
    kind: Kind,
    request: TaskRequest<Kind>,
    context: HandlerContext<TaskProgress>,
  ): Promise<Result<TaskResponse<Kind>, Refusal>> => {
    const answer = await admitAndWork(kind, request, context);
    const outcome = context.signal.aborted ? 'cancelled' : answer.ok ? 'ok' : answer.error.code;
    deps.telemetry.count('inference_served_tasks_total', 1, { outcome });
    return answer;
  };

  const admitAndWork = async <Kind extends TaskKind>(
    kind: Kind,
    request: TaskRequest<Kind>,
    { from, signal, progress, trace }: HandlerContext<TaskProgress>,
  ): Promise<Result<TaskResponse<Kind>, Refusal>> => {
    const admitted = admit(from, request.model, kind);
    if (!admitted.ok) return admitted;
    const arrivedAt = deps.clock.monotonic();
    const queued = trace && deps.telemetry.span('queued', { parent: trace });
    progress({ phase: 'queued' });
    const ticket = await enter(from, signal);
    queued?.end();
    deps.telemetry.observe('inference_queue_seconds', (deps.clock.monotonic() - arrivedAt) / 1_000);
    try {
      if (signal.aborted) return err(fault('refused', 'cancelled'));
      progress({ phase: 'running' });
      return await work(kind, request, admitted.value, { signal, trace });
    } finally {
      leave(ticket);
    }
  };

  const work = async <Kind extends TaskKind>(
    kind: Kind,
    { unit, job, model, input, inputHash }: TaskRequest<Kind>,
    requester: PeerIdentity,
    { signal, trace }: { readonly signal: AbortSignal; readonly trace: SpanContext | undefined },
  ): Promise<Result<TaskResponse<Kind>, Refusal>> => {
    if ((await hashInput(kind, input, deps.crypto)) !== inputHash) {
      return err(fault('refused', 'the input is not what its hash says'));
    }
    const startedAt = deps.clock.monotonic();
    const output = await runOnEngine(engine, kind, input, { signal, urgent: false, trace });
    if (signal.aborted) return err(fault('refused', 'cancelled'));
    if (!output.ok) return err(fault('failed', output.error.message));
    served++;
    if (requester.account === deps.self.account) return ok({ output: output.value, claim: null });
    const seen = {
      unit,
      job,
      kind,
      model,
      input: inputHash,
      output: hashOutput(kind, output.value),
      pixels: inputPixels(kind, input),
      requester: { account: requester.account, deviceKey: requester.deviceKey },
      worker: { account: deps.self.account, deviceKey: deps.self.deviceKey },
    };
    const claim = await claimReceipt(receiptBodyFor(seen, measured(startedAt)), deps.self.deviceSigner);
    // The requester may have gone elsewhere while we signed: then nothing is owed.
    if (signal.aborted) return err(fault('refused', 'cancelled'));
    await deps.claimed(claim);
    return ok({ output: output.value, claim });
  };

  const measured = (startedAt: Milliseconds) => {
    const choice = engine.state.get().choice;
    const runtime = choice?.chosen ?? 'wasm';
    const threads = choice?.measured.find((speed) => speed.runtime === runtime)?.threads ?? 1;
    return { computeMs: deps.clock.monotonic() - startedAt, runtime, threads, at: deps.clock.now() };
  };

  const stops = [
    rpc.handle(taskMethods['ocr.detect'], (input, context) => serve('ocr.detect', input, context)),
    rpc.handle(taskMethods['ocr.recognize'], (input, context) => serve('ocr.recognize', input, context)),
  ];
  return {
    load: () => tickets.size,
    workingFor,
    served: () => served,
    close() {
      for (const stop of stops) stop();
    },
  };
};
