import { milliseconds } from '../../core/brand.ts';
import { equalBytes, toBase64url } from '../../core/bytes.ts';
import { createStore, type Store, type Subscribe, type WritableStore } from '../../core/events.ts';
import type { CryptoPort, SigningKey } from '../../core/ports/crypto.ts';
import type { Locks } from '../../core/ports/locks.ts';
import type { Random } from '../../core/ports/random.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import type { Timers } from '../../core/ports/timers.ts';
import { err, type Fault, fault, ok, type Result } from '../../core/result.ts';
import type { DeviceCertificate } from '../../identity/types.ts';
import type { LedgerAccess, Outcome, SubmittedOperation } from '../access.ts';
import { faultsOf } from '../certificate.ts';
import { signOperation } from '../operation.ts';
import type { OrderedOperation } from '../replica/types.ts';
import { accountOf } from '../transition/purse.ts';
import type { LedgerState, Operation, OperationId, SignedOperation } from '../types.ts';
import { type Intent, type IntentId, newestOf, type Version } from './intents.ts';
import {
  type Decision,
  decide,
  forgettable,
  type Holder,
  holderOf,
  type Owner,
  planMove,
  planSubmit,
} from './outbox.ts';
import type { OutboxStore } from './outboxStore.ts';

/** What a keeper said of an operation. `from` names the keeper. */
export type KeeperAnswer = {
  readonly from: string;
  readonly id: OperationId;
  readonly state: 'pending' | 'final' | 'refused';
  readonly height?: number;
  readonly reason?: string;
};

export type WalletDeps = {
  readonly store: OutboxStore;
  readonly locks: Pick<Locks, 'acquire'>;
  readonly crypto: Pick<CryptoPort, 'signingKeyFromSeed'>;
  readonly random: Pick<Random, 'bytes'>;
  readonly timers: Pick<Timers, 'every'>;
  readonly telemetry: Telemetry;
  readonly chain: {
    readonly state: Store<LedgerState | undefined>;
    /** Which operation of this account took a number, as far as this device saw it. */
    ordered(seq: number): Promise<OrderedOperation | undefined>;
    epochAgeMs(): number;
    /** For so many epochs the replica keeps what was in blocks; what was final before needs no place in the outbox. */
    readonly keptEpochs: number;
  };
  readonly keepers: {
    /** To every keeper that can be reached; sending again does no harm. */
    send(operations: readonly SignedOperation[]): void;
    readonly answers: Subscribe<KeeperAnswer>;
    /** One came within reach. */
    readonly reached: Subscribe<void>;
  };
  /** Other tabs of this device: their changes of the outbox, and ours to them. */
  readonly tabs: { announce(): void; readonly heard: Subscribe<void> };
};
export type WalletOwner = {
  readonly account: Owner['account'];
  readonly device: SigningKey;
  readonly certificate: DeviceCertificate;
};

export interface Wallet extends LedgerAccess {
  /** Undefined until there is a state. */
  readonly holder: Store<Holder | undefined>;
  readonly intents: Store<readonly Intent[]>;
  /** Makes this device the one that signs for the account. The seed is on the paper that the person kept. */
  moveHere(recoverySeed: Uint8Array): Promise<Result<SubmittedOperation, Fault>>;
  close(): void;
}

const resendEvery = milliseconds(5_000);
const notReady = () => err(fault('not-ready', 'the ledger is still being opened here: wait a moment'));

/**
 * Signs for one account, keeps every signature before anybody sees it, and sends it until it is decided. All tabs of the
 * device may do so at once: one Web Lock lets them decide in turn over what is kept. Doesn't know how blocks are checked or
 * keepers reached.
 */
export const openWallet = async (
  deps: WalletDeps,
  { account, device, certificate }: WalletOwner,
): Promise<Wallet> => {
  const { store, chain, keepers, tabs, telemetry } = deps;
  const owner: Owner = { account, deviceKey: device.publicKey };
  const intents = createStore<readonly Intent[]>([]);
  const holder = createStore<Holder | undefined>(undefined);
  const outcomes = new Map<IntentId, WritableStore<Outcome>>();
  const words = createWords();
  let recovery: SigningKey | undefined;
  let closed = false;
  let mayForget = true;

  const show = (listed: readonly Intent[]) => {
    intents.set(listed);
    for (const { id, outcome } of listed) {
      const shown = outcomes.get(id);
      if (shown?.get().phase === 'pending') shown.set(outcome);
    }
  };
  const list = async (): Promise<readonly Intent[]> => {
    const { intents: listed, unreadable } = await store.list();
    for (const { key, message } of unreadable)
      telemetry.log('error', 'wallet', `an operation kept here can't be read: ${message}`, { key });
    if (unreadable.some(({ code }) => code === 'newer'))
      throw new Error('a newer version of this page keeps operations here: reload this one');
    return listed;
  };
  const underLock = async <T>(run: (listed: readonly Intent[]) => Promise<T>): Promise<T> => {
    const release = await deps.locks.acquire(`aivillage/wallet/${account}`);
    try {
      return await run(await list());
    } finally {
      release();
    }
  };
  /** What failed to be written may be there all the same: then it counts, because it will be sent. */
  const keep = async (intent: Intent): Promise<void> => {
    try {
      await store.put(intent);
    } catch (cause) {
      const listed = await store.list().catch(() => undefined);
      if (!listed)
        throw new Error(`${textOf(cause)}; whether it was kept can't be told now: look before you try again`);
      const found = listed.intents.find(({ id }) => id === intent.id);
      if (found?.versions.length !== intent.versions.length || found.outcome.phase !== intent.outcome.phase)
        throw cause;
    }
  };
  const sign = async (
    meant: Version['meant'],
    operation: Operation,
    signer: SigningKey,
  ): Promise<Version> => ({
    meant,
    operation: await signOperation(operation, signer),
  });
  const intentOf = (by: Intent['by'], version: Version): Intent => {
    const { net, seq } = version.operation.operation;
    const id = toBase64url(deps.random.bytes(16)) as IntentId;
    return { id, net, account, seq, by, versions: [version], outcome: { phase: 'pending' } };
  };
  const sendPending = (listed: readonly Intent[]) => {
    const state = chain.state.get();
    const waiting = listed.flatMap((intent) => {
      const newest = intent.outcome.phase === 'pending' ? newestOf(intent)?.operation : undefined;
      return newest && (!state || newest.operation.validUntil >= state.epoch) ? [newest] : [];
    });
    if (waiting.length > 0) keepers.send(waiting);
  };
  const submitted = ({ id, outcome: kept }: Intent): SubmittedOperation => {
    const outcome = outcomes.get(id) ?? createStore<Outcome>(kept);
    outcomes.set(id, outcome);
    return { outcome, settled: () => settledOf(outcome) };
  };
  const addAll = async (listed: readonly Intent[], made: readonly Intent[]): Promise<void> => {
    for (const intent of made) await keep(intent);
    for (const intent of made) submitted(intent);
    show([...listed, ...made]);
  };
  const afterAdding = () => {
    sendPending(intents.get());
    tabs.announce();
  };

  const carryOut = async (intent: Intent, decision: Decision): Promise<Intent> => {
    switch (decision.kind) {
      case 'settle': {
        const settled: Intent = { ...intent, outcome: decision.outcome };
        await keep(settled);
        return settled;
      }
      case 'renew':
      case 'void': {
        const signer = intent.by === 'recovery' ? recovery : device;
        if (!signer) return intent;
        const meant = decision.kind === 'void' ? 'void' : (newestOf(intent)?.meant ?? 'intent');
        const next: Intent = {
          ...intent,
          versions: [...intent.versions, await sign(meant, decision.operation, signer)],
        };
        await keep(next);
        return next;
      }
      default:
        return intent;
    }
  };
  const decisionOf = async (state: LedgerState, intent: Intent): Promise<Decision> => {
    const { seq } = accountOf(state, account);
    const isTaken = intent.outcome.phase === 'pending' && intent.seq <= seq;
    const decision = decide(state, intent, owner, {
      ordered: isTaken ? await chain.ordered(intent.seq) : undefined,
      isRefused: words.refused(newestOf(intent)?.operation.id) > 0,
      canSign: intent.by === 'device' || recovery !== undefined,
    });
    if (decision.kind !== 'look-up') return decision;
    return words.judge(intent, faultsOf(state.keepers.length) + 1) ?? decision;
  };
  const review = async (): Promise<void> => {
    const state = chain.state.get();
    if (!state) return;
    holder.set(holderOf(state, owner));
    const decisions = await Promise.all(intents.get().map((intent) => decisionOf(state, intent)));
    const isOld = mayForget && forgettable(state, intents.get(), chain.keptEpochs).length > 0;
    if (!isOld && decisions.every(({ kind }) => kind === 'wait' || kind === 'look-up')) return;
    await underLock(async (listed) => {
      const changed: Intent[] = [];
      for (const intent of listed) changed.push(await carryOut(intent, await decisionOf(state, intent)));
      show(changed);
      if (mayForget) await forgetOld(state, changed);
    });
    afterAdding();
  };
  /** Each is forgotten by itself: whatever interrupts this, what is left is whole, and forgotten later. */
  const forgetOld = async (state: LedgerState, listed: readonly Intent[]): Promise<void> => {
    const forgotten = new Set<IntentId>();
    try {
      for (const intent of forgettable(state, listed, chain.keptEpochs)) {
        await store.forget(intent);
        forgotten.add(intent.id);
        outcomes.delete(intent.id);
      }
    } catch (cause) {
      mayForget = false; // It costs room only: the next tab tries again.
      telemetry.log('warn', 'wallet', `old operations can't be taken from the outbox: ${textOf(cause)}`);
    }
    if (forgotten.size > 0) show(listed.filter(({ id }) => !forgotten.has(id)));
  };
  const inTurn = createTurns(
    () => (closed ? Promise.resolve() : review()),
    (cause) => telemetry.log('error', 'wallet', `the outbox could not be reviewed: ${textOf(cause)}`),
  );
  const reread = async () => {
    show(await list());
    await inTurn();
  };
  const tryReread = () =>
    void reread().catch((cause) =>
      telemetry.log('error', 'wallet', `the outbox can't be read: ${textOf(cause)}`),
    );

  show(await list());
  const stops = [
    chain.state.subscribe(() => void inTurn()),
    tabs.heard(tryReread),
    keepers.reached(() => sendPending(intents.get())),
    keepers.answers((answer) => {
      const isOurs = intents
        .get()
        .some(({ versions }) => versions.some((own) => own.operation.id === answer.id));
      if (!isOurs) return;
      words.take(answer);
      if (answer.state !== 'pending') void inTurn();
    }),
    deps.timers.every(resendEvery, () => {
      void inTurn();
      sendPending(intents.get());
    }),
  ];
  await inTurn();
  sendPending(intents.get());

  const acting = async (
    act: (state: LedgerState, listed: readonly Intent[]) => Promise<Result<Intent, Fault>>,
  ): Promise<Result<SubmittedOperation, Fault>> => {
    if (!chain.state.get()) return notReady();
    try {
      const done = await underLock(async (listed) => {
        const state = chain.state.get();
        return state ? act(state, listed) : notReady();
      });
      if (!done.ok) return done;
      afterAdding();
      return ok(submitted(done.value));
    } catch (cause) {
      return err(fault('storage', `nothing was sent, because it could not be kept: ${textOf(cause)}`));
    }
  };

  return {
    state: chain.state,
    account,
    holder,
    intents,
    epochAgeMs: chain.epochAgeMs,
    submit: (kind, body) =>
      acting(async (state, listed) => {
        const { recoveryKey, deviceKey, issuedAt, signature } = certificate;
        const opening = { recoveryKey, deviceKey, issuedAt, signature };
        const planned = planSubmit(state, listed, owner, { kind, body }, opening);
        if (!planned.ok) return planned;
        const made: Intent[] = [];
        for (const operation of planned.value)
          made.push(intentOf('device', await sign('intent', operation, device)));
        await addAll(listed, made);
        const last = made.at(-1);
        return last ? ok(last) : notReady();
      }),
    moveHere: (recoverySeed) =>
      acting(async (state, listed) => {
        const signer = await deps.crypto.signingKeyFromSeed(recoverySeed);
        const known = accountOf(state, account).recovery;
        if (!known || !equalBytes(known, signer.publicKey))
          return err(fault('recovery-key', 'this is not the recovery key of the account'));
        const planned = planMove(state, owner);
        if (!planned.ok) return planned;
        recovery = signer;
        const same = listed.find(
          ({ by, seq, outcome }) =>
            by === 'recovery' && seq === planned.value.seq && outcome.phase === 'pending',
        );
        if (same) return ok(same);
        const made = intentOf('recovery', await sign('intent', planned.value, signer));
        await addAll(listed, [made]);
        return ok(made);
      }),
    close() {
      closed = true;
      for (const stop of stops) stop();
    },
  };
};

/** What keepers said, of which each may lie: only as many as can't all be liars are believed. */
const createWords = () => {
  const answersById = new Map<OperationId, Map<string, KeeperAnswer>>();
  const of = (id: OperationId | undefined) => [
    ...((id && answersById.get(id)) ?? new Map<string, KeeperAnswer>()).values(),
  ];
  return {
    take(answer: KeeperAnswer) {
      const answers = answersById.get(answer.id) ?? new Map<string, KeeperAnswer>();
      answersById.set(answer.id, answers.set(answer.from, answer));
    },
    refused: (id: OperationId | undefined) => of(id).filter(({ state }) => state === 'refused').length,
    judge(intent: Intent, enough: number): Decision | undefined {
      for (const { meant, operation } of intent.versions) {
        const finals = of(operation.id).filter(({ state }) => state === 'final');
        const height = finals[0]?.height;
        if (meant === 'intent' && height !== undefined && finals.length >= enough)
          return { kind: 'settle', outcome: { phase: 'final', id: operation.id, height } };
      }
      const newest = newestOf(intent)?.operation.id;
      if (of(newest).filter(({ state }) => state === 'refused').length < enough) return undefined;
      const reason = 'another operation took its number, in a part of the history that is not kept here';
      return { kind: 'settle', outcome: { phase: 'refused', reason } };
    },
  };
};

/** Runs one at a time; what is asked for meanwhile is one more run after it. */
const createTurns = (run: () => Promise<void>, onError: (cause: unknown) => void): (() => Promise<void>) => {
  let running: Promise<void> | undefined;
  let again = false;
  const turns = async () => {
    do {
      again = false;
      await run().catch(onError);
    } while (again);
    running = undefined;
  };
  return () => {
    if (running) again = true;
    else running = turns();
    return running ?? Promise.resolve();
  };
};

const settledOf = (outcome: Store<Outcome>): ReturnType<SubmittedOperation['settled']> =>
  new Promise((resolve) => {
    const tell = (now: Outcome): boolean => {
      if (now.phase !== 'pending') resolve(now);
      return now.phase !== 'pending';
    };
    if (tell(outcome.get())) return;
    const stop = outcome.subscribe((now) => {
      if (tell(now)) stop();
    });
  });

const textOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
