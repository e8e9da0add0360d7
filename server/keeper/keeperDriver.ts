import { createBoundedMap } from '../../src/core/boundedMap.ts';
import { milliseconds } from '../../src/core/brand.ts';
import type { Bytes } from '../../src/core/bytes.ts';
import { createEmitter, type Subscribe } from '../../src/core/events.ts';
import type { Clock } from '../../src/core/ports/clock.ts';
import type { CryptoPort } from '../../src/core/ports/crypto.ts';
import type { CancelTimer, Timers } from '../../src/core/ports/timers.ts';
import { err, type Fault, fault, ok, type Result } from '../../src/core/result.ts';
import { certifiedBlockBytes, readCertifiedBlock } from '../../src/ledger/block.ts';
import { checkCertificate } from '../../src/ledger/certificate.ts';
import type { KeeperEffect, KeeperSettings } from '../../src/ledger/keeper/types.ts';
import { readOperation } from '../../src/ledger/operation.ts';
import { ledgerLimits, type ToKeeper } from '../../src/ledger/protocol.ts';
import { checkSignatures, signatureChecksOf } from '../../src/ledger/signatures.ts';
import type { SignedMessage } from '../../src/ledger/transition/core/bodies.ts';
import { accountOf } from '../../src/ledger/transition/purse.ts';
import type {
  Block,
  BlockId,
  LedgerState,
  OperationId,
  ReadOperation,
  SignedOperation,
} from '../../src/ledger/types.ts';
import type { Log } from '../log.ts';
import { createVerifyNow, rememberVerified } from './ed25519.ts';
import type { BeginMachine, KeeperMachine } from './machine.ts';
import { readKeeperMessage, toWire } from './messages.ts';
import { createOwnSay, type DrivenKeys } from './ownSay.ts';
import type { KeeperChange, Recovered } from './store.ts';

/**
 * Carries out what the keeper machine decides: writes before it sends, checks signatures, keeps time. Doesn't know sockets:
 * what is to be sent is told to those who listen.
 */
export interface KeeperDriver {
  ledger(): LedgerState;
  /** An operation of a wallet, or one that another keeper passed on, with the hash of its bytes. Its later fate is told by `news`. */
  submit(operation: SignedOperation, id: OperationId, from: 'owner' | 'keeper'): Promise<Submitted>;
  /** A consensus message. True if its signature is a keeper's of the present height. */
  hear(message: Extract<ToKeeper, { t: 'agree' | 'quorum' }>): Result<boolean, Fault>;
  /** A certified block from anybody; what does not follow is left aside. */
  adopt(bytes: Bytes): Promise<Result<void, Fault>>;
  proposalOf(block: BlockId): Extract<ToKeeper, { t: 'agree' }> | undefined;
  readonly store: Recovered['store'];
  readonly news: Subscribe<KeeperNews>;
  readonly counts: Readonly<Record<'votes' | 'finals' | 'operations', number>> & { readonly pending: number };
  /** Why this keeper votes no more, if so. */
  fault(): Fault | undefined;
  phase(): ReturnType<KeeperMachine['phase']>;
  round(): number;
  /** What is being written is written to its end. Idempotent. */
  close(): Promise<void>;
}

export type KeeperNews =
  | { readonly kind: 'toKeepers'; readonly message: ToKeeper }
  /** Any one of the others may answer. */
  | { readonly kind: 'toOneKeeper'; readonly message: ToKeeper }
  /** It is on disk. */
  | { readonly kind: 'final'; readonly block: Block; readonly bytes: Bytes }
  | { readonly kind: 'refused'; readonly id: OperationId; readonly reason: string };

export type Submitted = {
  readonly id: OperationId;
  readonly state: 'pending' | 'final' | 'refused';
  readonly height?: number;
  readonly reason?: string;
};

export type KeeperDriverDeps = {
  readonly begin: BeginMachine;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly crypto: Pick<CryptoPort, 'verify'>;
  readonly log: Log;
  /** How long a write, a check of a block, what follows a final block, or an operation's way to its end took. */
  readonly measured?: (what: Measured, ms: number) => void;
};
export type Measured = 'commit' | 'check' | 'apply' | 'operation';

type EffectOf<Kind> = Extract<KeeperEffect, { readonly kind: Kind }>;

/**
 * A wallet that reaches one keeper only waits so much longer: four times what operations usually take, because to pass on what all
 * have from its owner would be most of the work under load.
 */
const passAfterMs = { least: 150, most: 2_000 } as const;
/** Heights of so many final operations are known without a look at the disk: what was sent twice comes a moment later. */
const settledAtHand = 20_000;
/** Of the newest block in the average of how long operations wait. */
const newestShare = 0.25;

export const startKeeperDriver = (
  deps: KeeperDriverDeps,
  { store, state, records }: Recovered,
  driven: DrivenKeys,
  options: KeeperSettings,
): Result<KeeperDriver, Fault> => {
  const { clock, timers, log, measured = () => {} } = deps;
  const news = createEmitter<KeeperNews>();
  const crypto = rememberVerified(deps.crypto.verify);
  const verifyNow = createVerifyNow();
  const timersByName = new Map<string, CancelTimer>();
  const pending = new Map<OperationId, { readonly operation: ReadOperation; readonly since: number }>();
  const settled = createBoundedMap<OperationId, number>(settledAtHand);
  const toPass = new Map<OperationId, { readonly operation: ReadOperation; readonly dueAt: number }>();
  let usualMs = 0;
  const counts = { votes: 0, finals: 0, operations: 0 };
  const waiting: KeeperEffect[] = [];
  let isWorking = false;
  let working: Promise<void> | undefined;
  let adopting: Promise<unknown> = Promise.resolve();
  let stopped: Fault | undefined;
  let closed = false;

  const startedAt = clock.monotonic();
  const begun = deps.begin(
    { ledger: state, records },
    {
      ...options,
      signer: driven.keys.signer,
      ...(driven.successor ? { successor: driven.successor.signer } : {}),
      wallAtZeroMs: clock.now() - startedAt,
    },
    startedAt,
  );
  if (!begun.ok) return begun;
  const { machine } = begun.value;

  const handle = (event: Parameters<typeof machine.handle>[0]) => {
    if (closed || stopped?.code === 'disk') return;
    enqueue(machine.handle(event, clock.monotonic()));
  };

  const enqueue = (effects: readonly KeeperEffect[]) => {
    waiting.push(...effects);
    if (isWorking) return;
    isWorking = true;
    working = work();
  };

  /**
   * All that waits is written in one go, then sent in its order: later promises may be on disk too early, never too late, and
   * under load one fsync serves many.
   */
  const work = async () => {
    while (waiting.length > 0 && stopped?.code !== 'disk') {
      const batch = waiting.splice(0);
      const changes = batch.flatMap(changeOf);
      try {
        const startedAt = clock.monotonic();
        if (changes.length > 0) await store.commit(changes);
        if (changes.length > 0) measured('commit', clock.monotonic() - startedAt);
      } catch (cause) {
        stop(fault('disk', `the keeper's data can not be written: ${messageOf(cause)}`));
        break;
      }
      for (const effect of batch) carryOut(effect);
    }
    isWorking = false; // at once: what comes a moment later must find nobody at work
  };

  const bytesOfFinal = new WeakMap<Block, Bytes>();
  const changeOf = (effect: KeeperEffect): readonly KeeperChange[] => {
    if (effect.kind === 'persist') return [{ kind: 'record', key: effect.key, record: effect.record }];
    if (effect.kind === 'forget') return [{ kind: 'forget', prefix: effect.prefix }];
    if (effect.kind !== 'final') return [];
    const bytes = certifiedBlockBytes(effect.certified);
    bytesOfFinal.set(effect.certified.block, bytes);
    return [{ kind: 'block', certified: effect.certified, bytes }];
  };

  const written = () => {};
  const actions: { readonly [Kind in KeeperEffect['kind']]: (effect: EffectOf<Kind>) => void } = {
    persist: written,
    forget: written,
    broadcast({ message }) {
      counts.votes += message.kind === 'message' ? 1 : 0;
      news.emit({ kind: 'toKeepers', message: toWire(message) });
    },
    pass({ operation }) {
      const afterMs = Math.min(passAfterMs.most, Math.max(passAfterMs.least, 4 * usualMs));
      if (toPass.size === 0) setTimer('pass', afterMs, passOn);
      toPass.set(operation.id, { operation, dueAt: clock.monotonic() + afterMs });
    },
    check: ({ block, state: against }) => void check(block, against),
    fetch: (effect) => fetch(effect),
    final(effect) {
      const startedAt = clock.monotonic();
      finish(effect);
      measured('apply', clock.monotonic() - startedAt);
    },
    refused: ({ operation, reason }) => refuse(operation, reason),
    evidence({ seat: keeper, first, second }) {
      log('error', 'a keeper contradicted itself', { keeper });
      own.accuse({ keeper, first: signedPart(first), second: signedPart(second) });
    },
    amnesia: ({ height }) =>
      stop(
        fault(
          'amnesia',
          `at height ${height} this keeper's key has signed what its data does not know: the data is an old copy, or the key is used elsewhere. It votes no more: make a new key (keeper init), and have it take the seat by a vote`,
        ),
      ),
    dispute: ({ height, reason }) => stop(fault('dispute', `height ${height}: ${reason}`)),
    // On a process that got no time timers ring before its sockets are read, where the votes may be that they wait for.
    timer: ({ name, afterMs }) =>
      setTimer(`machine/${name}`, afterMs, () => setImmediate(() => handle({ kind: 'timer', name }))),
  };
  const carryOut = (effect: KeeperEffect) => (actions[effect.kind] as (effect: KeeperEffect) => void)(effect);

  /** What it holds it goes on serving. After a failed write it does nothing more: what it promised is not on disk. */
  const stop = (why: Fault) => {
    stopped ??= why;
    log('error', 'this keeper votes no more', { code: why.code, reason: why.message });
  };

  /** Its owner sends it to all keepers, and mostly it is final by now: then nobody needs it from here. */
  const passOn = () => {
    const now = clock.monotonic();
    for (const [id, { operation, dueAt }] of toPass) {
      if (dueAt > now) return setTimer('pass', dueAt - now, passOn);
      toPass.delete(id);
      if (pending.has(id)) news.emit({ kind: 'toKeepers', message: submitOf(operation) });
    }
  };

  const setTimer = (name: string, afterMs: number, run: () => void) => {
    timersByName.get(name)?.();
    if (closed) return;
    const cancel = timers.after(milliseconds(afterMs), () => {
      timersByName.delete(name);
      run();
    });
    timersByName.set(name, cancel);
  };

  const check = async (block: Block, against: LedgerState) => {
    const startedAt = clock.monotonic();
    const checked = await checkSignatures(against, block.operations, crypto);
    measured('check', clock.monotonic() - startedAt);
    handle({ kind: 'checked', block, signaturesHold: checked.ok });
  };

  const fetch = ({ block, after }: EffectOf<'fetch'>) => {
    if (block) return news.emit({ kind: 'toKeepers', message: { t: 'want', block } });
    const message = { t: 'get', after, count: ledgerLimits.maxBlocks } as const;
    news.emit({ kind: 'toOneKeeper', message });
  };

  const finish = ({ certified, state: after }: EffectOf<'final'>) => {
    const { block } = certified;
    counts.finals++;
    counts.operations += block.operations.length;
    noteWaits(block);
    for (const { id } of block.operations) {
      pending.delete(id);
      toPass.delete(id);
      settled.set(id, block.header.height);
    }
    const bytes = bytesOfFinal.get(block) ?? certifiedBlockBytes(certified);
    news.emit({ kind: 'final', block, bytes });
    if (block.header.kind === 'epoch') {
      forgetSettled(after);
      own.onEpoch(after);
      store.keepSnapshot(certified, after).catch((cause: unknown) => {
        if (!closed) log('error', 'no snapshot was written', { cause: messageOf(cause) });
      });
    }
    own.carry();
  };

  const noteWaits = ({ operations }: Block) => {
    const known = operations.flatMap(({ id }) => pending.get(id)?.since ?? []);
    if (known.length === 0) return;
    const now = clock.monotonic();
    for (const since of known) measured('operation', now - since);
    const mean = now - known.reduce((sum, since) => sum + since, 0) / known.length;
    usualMs += (mean - usualMs) * newestShare;
  };

  const refuse = (id: OperationId, reason: string) => {
    pending.delete(id);
    own.refused(id);
    news.emit({ kind: 'refused', id, reason });
  };

  /** The machine tells what it lets go; this is for what it never took. */
  const forgetSettled = (after: LedgerState) => {
    for (const [id, { operation: read }] of pending) {
      const { account, seq, validUntil } = read.operation;
      if (seq <= accountOf(after, account).seq || validUntil < after.epoch) pending.delete(id);
    }
  };

  /** At once: one at a time, handing it to another thread costs half of what it takes. */
  const checkNow = (against: LedgerState, operation: ReadOperation): Result<void, Fault> => {
    const checks = signatureChecksOf(against, [operation]);
    if (!checks.ok) return checks;
    for (const { key, message, signature } of checks.value.flat()) {
      if (!verifyNow(key, message, signature)) return err(fault('operation', 'its signature does not hold'));
      crypto.remember(key, message, signature);
    }
    return ok(undefined);
  };

  const submit: KeeperDriver['submit'] = async (signed, id, from) => {
    if (from === 'keeper') toPass.delete(id);
    if (pending.has(id)) return { id, state: 'pending' };
    const refused = (reason: string): Submitted => ({ id, state: 'refused', reason: shorten(reason) });
    if (stopped) return refused(`this keeper does not order any more: ${stopped.message}`);
    const read = readOperation(signed);
    if (!read.ok) return refused(read.error.message);
    const { account, seq } = read.value.operation;
    const against = machine.ledger();
    if (accountOf(against, account).seq >= seq) {
      const height = settled.get(id) ?? (await store.heightOf(id));
      if (height !== undefined) return { id, state: 'final', height };
      if (pending.has(id)) return { id, state: 'pending' };
      return refused(`number ${seq} of this account was used by another operation`);
    }
    const holds = checkNow(against, read.value);
    if (!holds.ok) return refused(holds.error.message);
    pending.set(id, { operation: read.value, since: clock.monotonic() });
    handle({ kind: 'operation', operation: read.value, from, checkedAgainst: against });
    return { id, state: 'pending' };
  };

  const submitOwn = (operation: ReadOperation) => {
    if (!pending.has(operation.id)) void submit(operation, operation.id, 'owner');
  };
  const own = createOwnSay({ ledger: machine.ledger, submit: submitOwn, setTimer, log }, driven);

  const hear: KeeperDriver['hear'] = (message) => {
    const { keepers, net, position } = machine.ledger();
    const read = readKeeperMessage(message);
    if (!read.ok) return read;
    const { content, signed } = read.value;
    if (content.net !== net) return err(fault('message', 'it is of another swarm'));
    const isPresent = content.height === position.height + 1;
    for (const { seat, bytes, signature } of isPresent ? signed : []) {
      const keeper = keepers[seat];
      if (!keeper) return err(fault('message', `there is no keeper ${seat}`));
      if (!verifyNow(keeper.key, bytes, signature))
        return err(fault('message', `the signature of keeper ${seat} does not hold`));
    }
    handle(read.value.message);
    return ok(isPresent && signed.length > 0);
  };

  const adoptNow = async (bytes: Bytes): Promise<Result<void, Fault>> => {
    const read = readCertifiedBlock(bytes);
    if (!read.ok) return read;
    const { header, operations } = read.value.block;
    const against = machine.ledger();
    if (header.net !== against.net) return err(fault('block', 'it is of another swarm'));
    if (header.height !== against.position.height + 1) return ok(undefined);
    const certified = await checkCertificate(read.value, against.keepers, crypto);
    if (!certified.ok) return certified;
    const signed = await checkSignatures(against, operations, crypto);
    if (!signed.ok) return signed;
    handle({ kind: 'certified', certified: read.value });
    return ok(undefined);
  };

  own.begin(state);
  enqueue(begun.value.effects);

  return ok({
    ledger: machine.ledger,
    submit,
    hear,
    adopt(bytes) {
      const adopted = adopting.then(() => adoptNow(bytes));
      adopting = adopted;
      return adopted;
    },
    proposalOf(block) {
      const message = machine.proposalOf(block);
      const sent = message && toWire(message);
      return sent?.t === 'agree' ? sent : undefined;
    },
    store,
    news: news.subscribe,
    counts: {
      get votes() {
        return counts.votes;
      },
      get finals() {
        return counts.finals;
      },
      get operations() {
        return counts.operations;
      },
      get pending() {
        return pending.size;
      },
    },
    fault: () => stopped,
    phase: () => machine.phase(),
    round: () => machine.round(),
    async close() {
      closed = true;
      for (const cancel of timersByName.values()) cancel();
      timersByName.clear();
      await working;
      await store.close();
    },
  });
};

/** Only what the operation's schema names. */
const signedPart = ({ bytes, signature }: SignedMessage): SignedMessage => ({ bytes, signature });
const submitOf = ({ bytes, signature }: ReadOperation): ToKeeper => ({ t: 'submit', bytes, signature });
const shorten = (reason: string): string => reason.slice(0, ledgerLimits.maxReasonLength);
const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
