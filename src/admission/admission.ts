import type { AccountId, Milliseconds, PeerId, RoomId } from '../core/brand.ts';
import { follow, type Store } from '../core/events.ts';
import type { CryptoPort } from '../core/ports/crypto.ts';
import type { Locks } from '../core/ports/locks.ts';
import type { Random } from '../core/ports/random.ts';
import type { Telemetry } from '../core/ports/telemetry.ts';
import type { Timers } from '../core/ports/timers.ts';
import { err, type Fault, fault, ok, type Result } from '../core/result.ts';
import { parseWith } from '../core/schema.ts';
import type { LocalIdentity, PeerIdentity } from '../identity/types.ts';
import type { Overlay, Rpc } from '../mesh/contracts.ts';
import type { ActStore } from './actStore.ts';
import { type BookState, type Draft, openActBook } from './book.ts';
import { admissionLimits, type Deed, deedSchema } from './protocol.ts';
import { endsOf, whyNot } from './standing.ts';
import { type ActChannel, createSyncing } from './syncing.ts';
import { createTokens, type Tokens } from './tokens.ts';

/** What somebody asks for; the ends of chains are found here. */
export type Wish = Deed extends infer Each ? (Each extends Deed ? Omit<Each, 'ends'> : never) : never;

export type AdmissionFault = Fault<
  'not-entitled' | 'pointless' | 'fork' | 'back-dated' | 'wording' | 'no-token' | 'storage' | 'full'
>;

export interface Admission {
  readonly state: Store<BookState>;
  readonly tokens: Pick<Tokens, 'own' | 'shownBy'>;
  /** Why this person may not do it now, in words; undefined: he may. */
  whyNot(wish: Wish): string | undefined;
  /** An administrative act of this person: kept here, then told to all. */
  perform(wish: Wish): Promise<Result<void, AdmissionFault>>;
  close(): void;
}

export type AdmissionDeps = {
  readonly identity: LocalIdentity;
  readonly store: ActStore;
  readonly channel: ActChannel;
  readonly overlay: Pick<Overlay, 'peers' | 'changes' | 'expel'>;
  readonly rpc: Rpc;
  readonly locks: Locks;
  readonly crypto: CryptoPort;
  readonly timers: Timers;
  readonly random: Random;
  readonly telemetry: Telemetry;
  /** Unix ms by the swarm's clock: devices' own are hours off. */
  readonly now: () => Milliseconds;
};

/**
 * A private swarm's order as one tab keeps it: the log of administrative acts, this device's permissions, and the door. Knows
 * who is linked; doesn't know what members do for each other, nor how links are made.
 */
export const openAdmission = async (
  deps: AdmissionDeps,
  swarm: { readonly id: RoomId; readonly founder: AccountId },
): Promise<Admission> => {
  const { identity, overlay, channel, telemetry } = deps;
  const book = await openActBook(deps, swarm);
  const syncing = createSyncing({ ...deps, book });
  const tokens = createTokens({ ...deps, state: book.state }, swarm.id);
  const leaving = new Set<PeerId>();

  /** Whoever was removed learns why, so that he can check it, and goes. */
  const dismiss = async ({ peer, account }: PeerIdentity): Promise<void> => {
    if (leaving.has(peer)) return;
    leaving.add(peer);
    await syncing.tellAll(peer);
    leaving.delete(peer);
    const removal = book.state.get().standing.removed.get(account);
    if (removal) overlay.expel(peer, `it was removed from this swarm: ${removal.reason}`);
  };
  const watchDoor = () => {
    const { removed } = book.state.get().standing;
    // Who was removed himself has nobody to send away.
    if (removed.size === 0 || removed.has(identity.account)) return;
    for (const other of overlay.peers()) if (removed.has(other.account)) void dismiss(other);
  };
  const stopChanges = overlay.changes(({ kind }) => kind === 'up' && watchDoor());
  const stopWatching = follow(book.state, watchDoor);

  const draftOf = (
    { log, standing }: BookState,
    wish: Wish,
    token: string | undefined,
  ): Result<Draft, AdmissionFault> => {
    const objection = whyNot(standing, identity.account, wish);
    if (objection) return err(fault(objection.code, asSentence(objection.message)));
    const endsOperator =
      (wish.t === 'remove' || (wish.t === 'withdraw' && wish.role === 'operator')) &&
      identity.account === swarm.founder &&
      log.named.has(wish.account);
    if (!endsOperator) return ok({ deed: wish, token });
    const ends = endsOf([...log.acts.values()], standing, wish.account);
    return ok({ deed: { ...wish, ends: ends.slice(-admissionLimits.maxEnds) }, token });
  };

  return {
    state: book.state,
    tokens,
    whyNot: (wish) => whyNot(book.state.get().standing, identity.account, wish)?.message,
    async perform(wanted) {
      const worded = parseWith(deedSchema, tidy(wanted));
      if (!worded.ok) return err(fault('wording', `This can't be said in an act: ${worded.error.message}.`));
      const wish: Wish = worded.value;
      // Without a token nobody else would take it; the question whether it is allowed at all comes first.
      const allowed = draftOf(book.state.get(), wish, undefined);
      if (!allowed.ok) return allowed;
      const token = identity.account === swarm.founder ? ok(undefined) : await tokens.obtain('operator');
      if (!token.ok) return token;
      const act = await book.append((state) => draftOf(state, wish, token.value));
      if (!act.ok) return act;
      telemetry.log('info', 'admission', `${wish.t} by this device`, { act: act.value.id });
      const told = await channel.publish(act.value.bytes);
      if (!told.ok) telemetry.log('warn', 'admission', 'the act was not told to all: comparing will');
      return ok(undefined);
    },
    close() {
      stopChanges();
      stopWatching();
      syncing.close();
      tokens.close();
    },
  };
};

/** What people type and names that others chose, as one line that fits; schemas refuse anything else. */
const tidy = (wish: Wish): Wish => {
  const { maxReasonLength, maxNameLength } = admissionLimits;
  if (wish.t === 'rename') return { ...wish, name: toLine(wish.name, maxNameLength) };
  const { called, ...rest } = wish;
  const name = toLine(called ?? '', maxNameLength);
  const named = name === '' ? rest : { ...rest, called: name };
  return named.t === 'remove' ? { ...named, reason: toLine(named.reason, maxReasonLength) } : named;
};
const toLine = (text: string, maxLength: number): string => {
  let line = '';
  for (const letter of text.replace(/\p{C}+/gu, ' ').trim()) {
    if (line.length + letter.length > maxLength) break;
    line += letter;
  }
  return line.trim();
};

const asSentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
