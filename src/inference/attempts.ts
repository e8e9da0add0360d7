import type { JobId, Milliseconds, PeerId, Sha256, TaskId } from '../core/brand.ts';
import { milliseconds } from '../core/brand.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { CryptoPort } from '../core/ports/crypto.ts';
import type { SpanContext } from '../core/ports/telemetry.ts';
import { err, type Fault, fault, ok, type Result } from '../core/result.ts';
import type { PeerIdentity } from '../identity/types.ts';
import type { Rpc, RpcError } from '../mesh/contracts.ts';
import type { NodeStatus, TaskKind, TaskTable, WorkReceipt } from './contracts.ts';
import { inputPixels } from './cost.ts';
import { hashInput, hashOutput } from './hashes.ts';
import type { Answer, Attempt } from './job/state.ts';
import type { OcrEngine } from './ocr/types.ts';
import { toAnswerValue } from './ocrRules.ts';
import type { AttemptEnd } from './peerBook.ts';
import { type TaskResponse, taskMethods } from './protocol.ts';
import { checkClaim } from './receipts.ts';

export type AttemptFailure = Fault & {
  /** What it says about the node. */
  readonly end: Exclude<AttemptEnd['kind'], 'answered'>;
  /** It ran the task, and the task failed. */
  readonly ran: boolean;
};
export type AttemptOutcome = Result<
  { readonly answer: Answer; readonly receivedAt: Milliseconds | undefined },
  AttemptFailure
>;

export type AttemptDeps = {
  readonly self: PeerIdentity;
  readonly engine: Pick<OcrEngine, 'detect' | 'recognize' | 'state'>;
  readonly rpc: Rpc;
  readonly crypto: Pick<CryptoPort, 'digest' | 'verify'>;
  readonly clock: Clock;
  readonly models: Readonly<Record<TaskKind, Sha256>>;
  readonly identityOf: (peer: PeerId) => PeerIdentity | undefined;
  readonly statusOf: (peer: PeerId) => NodeStatus | undefined;
  readonly nameOf: (peer: PeerId) => string;
};

export type AttemptInput<Kind extends TaskKind> = {
  readonly job: JobId;
  readonly unit: TaskId;
  readonly kind: Kind;
  readonly input: TaskTable[Kind]['input'];
  readonly attempt: Attempt;
  readonly signal: AbortSignal;
  readonly trace: SpanContext | undefined;
};

/** A task that takes this much longer than expected, and at least a minute, is given up even if its node is alive. */
const deadlineFactor = 10;
const shortestDeadline = 60_000;
const longestDeadline = 600_000;

/**
 * One attempt at one task, here or there, up to an answer that can be believed as far as one can see: it fits its
 * schema and its input, and its claim says exactly what was done. Doesn't know what answers mean for a job.
 */
export const runAttempt = <Kind extends TaskKind>(
  deps: AttemptDeps,
  input: AttemptInput<Kind>,
): Promise<AttemptOutcome> =>
  input.attempt.node === deps.self.peer ? runHere(deps, input) : runThere(deps, input);

const runHere = async <Kind extends TaskKind>(
  { engine, self, nameOf }: AttemptDeps,
  { kind, input, signal, trace }: AttemptInput<Kind>,
): Promise<AttemptOutcome> => {
  const output = await runOnEngine(engine, kind, input, { signal, urgent: true, trace });
  if (!output.ok) return failed(output.error, { end: 'failed', ran: output.error.code !== 'cancelled' });
  const value = toAnswerValue(kind, output.value, input);
  if (!value.ok) return failed(value.error, { end: 'failed', ran: true });
  const author = {
    peer: self.peer,
    account: self.account,
    name: nameOf(self.peer),
    runtime: engine.state.get().choice?.chosen,
    milliCredits: 0,
  };
  return ok({ answer: { author, value: value.value, claim: undefined }, receivedAt: undefined });
};

const runThere = async <Kind extends TaskKind>(
  deps: AttemptDeps,
  { job, unit, kind, input, attempt, signal, trace }: AttemptInput<Kind>,
): Promise<AttemptOutcome> => {
  const inputHash = await hashInput(kind, input, deps.crypto);
  const model = deps.models[kind];
  let receivedAt: Milliseconds | undefined;
  const deadline = Math.min(Math.max(shortestDeadline, attempt.expectedMs * deadlineFactor), longestDeadline);
  const response = await deps.rpc.call(
    attempt.node,
    taskMethods[kind],
    { unit, job, model, inputHash, input },
    {
      deadline: milliseconds(deadline),
      signal,
      trace,
      onProgress: () => {
        receivedAt ??= deps.clock.monotonic();
      },
    },
  );
  if (!response.ok) return failed(response.error, blameByCode[response.error.code]);
  const worker = deps.identityOf(attempt.node);
  if (!worker)
    return failed(fault('peer-lost', 'it left before its answer was read'), { end: 'failed', ran: false });
  const value = toAnswerValue(kind, response.value.output, input);
  if (!value.ok) return failed(value.error, { end: 'failed', ran: true });
  const claim = await acceptableClaim(deps, worker, response.value, {
    unit,
    job,
    kind,
    model,
    input: inputHash,
    output: hashOutput(kind, response.value.output),
    pixels: inputPixels(kind, input),
  });
  if (!claim.ok) return failed(claim.error, { end: 'failed', ran: true });
  const author = {
    peer: worker.peer,
    account: worker.account,
    name: deps.nameOf(worker.peer),
    runtime: claim.value?.body.cost.runtime ?? deps.statusOf(worker.peer)?.runtime,
    milliCredits: claim.value?.body.cost.milliCredits ?? 0,
  };
  return ok({ answer: { author, value: value.value, claim: claim.value }, receivedAt });
};

/** Work between two accounts comes with a claim that says what was done; inside one account there is none. */
const acceptableClaim = async (
  { self, crypto }: AttemptDeps,
  worker: PeerIdentity,
  { claim }: Pick<TaskResponse<TaskKind>, 'claim'>,
  seen: Omit<Parameters<typeof checkClaim>[1], 'requester' | 'worker'>,
): Promise<Result<WorkReceipt | undefined, Fault>> => {
  if (worker.account === self.account) return ok(undefined);
  if (!claim) return err(fault('receipt', 'the answer came without a claim'));
  const checked = await checkClaim(
    claim,
    {
      ...seen,
      requester: { account: self.account, deviceKey: self.deviceKey },
      worker: { account: worker.account, deviceKey: worker.deviceKey },
    },
    crypto,
  );
  return checked.ok
    ? ok(claim)
    : err(fault('receipt', `its claim does not fit the work: ${checked.error.message}`));
};

type EngineRun = {
  readonly signal: AbortSignal;
  readonly urgent: boolean;
  readonly trace: SpanContext | undefined;
};

export const runOnEngine = <Kind extends TaskKind>(
  engine: Pick<OcrEngine, 'detect' | 'recognize'>,
  kind: Kind,
  input: TaskTable[Kind]['input'],
  call: EngineRun,
): Promise<Result<TaskTable[Kind]['output'], Fault>> => runners(engine)[kind](input, call);

const runners = (
  engine: Pick<OcrEngine, 'detect' | 'recognize'>,
): {
  readonly [Kind in TaskKind]: (
    input: TaskTable[Kind]['input'],
    call: EngineRun,
  ) => Promise<Result<TaskTable[Kind]['output'], Fault>>;
} => ({
  'ocr.detect': (input, call) => engine.detect(input, call),
  'ocr.recognize': (input, call) => engine.recognize(input, call),
});

const blameByCode: Readonly<Record<RpcError['code'], Blame>> = {
  cancelled: { end: 'stopped', ran: false },
  deadline: { end: 'failed', ran: true },
  'peer-lost': { end: 'failed', ran: false },
  silent: { end: 'silent', ran: false },
  refused: { end: 'declined', ran: false },
  overloaded: { end: 'declined', ran: false },
  failed: { end: 'failed', ran: true },
  invalid: { end: 'failed', ran: true },
};
type Blame = Pick<AttemptFailure, 'end' | 'ran'>;
const failed = ({ code, message }: Fault, blame: Blame): AttemptOutcome => err({ code, message, ...blame });
