import type { AccountId, RoomId } from '../core/brand.ts';
import { createStore, type Store } from '../core/events.ts';
import type { CryptoPort } from '../core/ports/crypto.ts';
import type { Locks } from '../core/ports/locks.ts';
import type { Telemetry } from '../core/ports/telemetry.ts';
import { err, type Fault, fault, ok, type Result } from '../core/result.ts';
import type { LocalIdentity } from '../identity/types.ts';
import type { ActStore } from './actStore.ts';
import { type Act, type ActFault, openAct, readActId, signAct } from './acts.ts';
import { inOrder } from './chains.ts';
import { addAct, chainEnd, emptyLog, type Log, type LogFault, whyFull } from './log.ts';
import { type ActBody, type Deed, noAct } from './protocol.ts';
import { type Standing, standingOf } from './standing.ts';

export type BookState = { readonly log: Log; readonly standing: Standing };

/** What the author wants, decided when nobody else of this device can act any more. */
export type Draft = Pick<ActBody, 'token'> & { readonly deed: Deed };

export interface ActBook {
  readonly state: Store<BookState>;
  /** Adds what others have told, in the order given; stops at the first that is none of this swarm's acts. */
  take(acts: readonly Uint8Array[]): Promise<Result<{ readonly added: number }, ActFault | LogFault>>;
  /** Makes this device's next act. Nothing has happened if it fails. */
  append<Code extends string>(
    draft: (state: BookState) => Result<Draft, Fault<Code>>,
  ): Promise<Result<Act, Fault<Code | 'storage' | 'full'>>>;
}

export type ActBookDeps = {
  readonly store: ActStore;
  readonly locks: Locks;
  readonly crypto: CryptoPort;
  readonly telemetry: Telemetry;
  readonly identity: LocalIdentity;
  /** Unix ms by the swarm's clock. */
  readonly now: () => number;
};

/**
 * The log as this device keeps it, over reloads and for all of its tabs: an own act is made under a lock, after reading what
 * other tabs have made, so that the device's chain never forks. Doesn't know who else is here.
 */
export const openActBook = async (
  deps: ActBookDeps,
  swarm: { readonly id: RoomId; readonly founder: AccountId },
): Promise<ActBook> => {
  const { store, locks, crypto, telemetry, identity } = deps;
  const state = createStore<BookState>(stateOf(emptyLog(swarm.founder)));
  const setLog = (log: Log) => {
    if (log !== state.get().log) state.set(stateOf(log));
  };

  /** What is new, opened; verifying costs three signatures, so what is known is left out first. */
  const openNew = async (acts: readonly unknown[]): Promise<readonly Result<Act, ActFault>[]> => {
    const opened: Result<Act, ActFault>[] = [];
    for (const bytes of acts) {
      if (!(bytes instanceof Uint8Array)) continue;
      const id = readActId(bytes);
      if (id !== undefined && state.get().log.acts.has(id)) continue;
      opened.push(await openAct(bytes, swarm, crypto));
    }
    return opened;
  };

  const readStore = async (): Promise<void> => {
    const opened = await openNew(await store.list(swarm.id));
    const damaged = opened.filter(({ ok: whole }) => !whole).length;
    if (damaged > 0) telemetry.log('warn', 'admission', 'acts kept here are damaged', { acts: damaged });
    const acts = opened.flatMap((act) => (act.ok ? [act.value] : []));
    let { log } = state.get();
    for (const act of acts.sort(inOrder)) {
      const added = addAct(log, act);
      if (added.ok) log = added.value;
    }
    setLog(log);
  };

  const keep = async (act: Act): Promise<void> => {
    try {
      await store.put(swarm.id, act.id, act.bytes);
    } catch (cause) {
      // Others have it, and tell it again after a reload.
      telemetry.log('warn', 'admission', `an act lasts only as long as this tab: ${String(cause)}`);
    }
  };

  const bodyOf = ({ log, standing }: BookState, { deed, token }: Draft): ActBody => {
    const last = chainEnd(log, standing, identity.device);
    return {
      v: 1,
      swarm: swarm.id,
      certificate: identity.credentials.device,
      seq: last ? last.seq + 1 : 0,
      previous: last?.id ?? noAct,
      lamport: log.highestLamport + 1,
      at: Math.max(0, Math.round(deps.now())),
      deed,
      ...(token === undefined ? {} : { token }),
    };
  };

  const make = async (draft: Draft): Promise<Result<Act, Fault<'storage' | 'full'>>> => {
    const full = whyFull(state.get().log, identity.account);
    if (full) return err(fault('full', full.message));
    const bytes = await signAct(bodyOf(state.get(), draft), identity.deviceSigner);
    const act = await openAct(bytes, swarm, crypto);
    if (!act.ok) throw new Error(`this device's own act is refused: ${act.error.message}`);
    try {
      await store.put(swarm.id, act.value.id, bytes);
    } catch (cause) {
      return err(fault('storage', notKept(cause)));
    }
    const added = addAct(state.get().log, act.value);
    if (!added.ok) throw new Error(`this device's own act does not fit: ${added.error.message}`);
    setLog(added.value);
    return ok(act.value);
  };

  try {
    await readStore();
  } catch (cause) {
    telemetry.log('warn', 'admission', `acts kept here can not be read: ${String(cause)}`);
  }
  return {
    state,
    async take(acts) {
      const opened = await openNew(acts);
      let { log } = state.get();
      let problem: ActFault | LogFault | undefined;
      const added: Act[] = [];
      for (const act of opened) {
        const next = act.ok ? addAct(log, act.value) : act;
        if (!next.ok) problem = next.error;
        if (!act.ok || (!next.ok && next.error.code !== 'author')) break;
        if (!next.ok || next.value === log) continue;
        log = next.value;
        added.push(act.value);
      }
      setLog(log);
      await Promise.all(added.map(keep));
      return problem && problem.code !== 'author' ? err(problem) : ok({ added: added.length });
    },
    async append(draft) {
      const release = await locks.acquire(`aivillage/admission/${swarm.id}`);
      try {
        const unread = await readStore().then(
          () => undefined,
          (cause: unknown) => fault('storage', notKept(cause)),
        );
        // Without what other tabs have made, this one might fork the chain.
        if (unread) return err(unread);
        const wanted = draft(state.get());
        return wanted.ok ? await make(wanted.value) : wanted;
      } finally {
        release();
      }
    },
  };
};

const stateOf = (log: Log): BookState => ({ log, standing: standingOf([...log.acts.values()], log.founder) });

const notKept = (cause: unknown): string =>
  `This could not be kept on this device (${cause instanceof Error ? cause.message : String(cause)}), so nothing was changed. Free space or leave the private window, then try again.`;
