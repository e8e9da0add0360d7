import type { AccountId } from '../../core/brand.ts';
import { equalBytes } from '../../core/bytes.ts';
import type { PublicKey } from '../../core/ports/crypto.ts';
import { err, type Fault, fault, ok, type Result } from '../../core/result.ts';
import type { Outcome } from '../access.ts';
import { applyOperation, validEpochs } from '../apply.ts';
import { operationBytes, readOperation } from '../operation.ts';
import type { OrderedOperation } from '../replica/types.ts';
import type { Draft } from '../transition/module.ts';
import { accountOf } from '../transition/purse.ts';
import type { LedgerState, Operation, OperationBodies, OperationKind } from '../types.ts';
import { type Intent, newestOf } from './intents.ts';

/** The decisions of a wallet, without any effect: what to sign, what became of what was signed, and what to do about it. */

export type Owner = { readonly account: AccountId; readonly deviceKey: PublicKey };

/** Whose hands the account is in. */
export type Holder =
  /** Its first operation opens it. */
  | 'unopened'
  | 'here'
  /** Another device's key signs for it: here it can be watched, and moved by the recovery key. */
  | 'elsewhere';

export const holderOf = (state: LedgerState, { account, deviceKey }: Owner): Holder => {
  const { key } = accountOf(state, account);
  if (!key) return 'unopened';
  return equalBytes(key, deviceKey) ? 'here' : 'elsewhere';
};

export type Wanted<Kind extends OperationKind = OperationKind> = {
  readonly kind: Kind;
  readonly body: OperationBodies[Kind];
};

export type SubmitFault = Fault<'watch-only' | 'not-now' | 'too-many'>;

/** More that waits than this is no wallet's: somebody should look why nothing is ordered. */
const maxPending = 64;

/**
 * What to sign for a wish, in order: nothing but what could be applied after all that is pending already. The first operation
 * of an account is preceded by the one that opens it.
 */
export const planSubmit = (
  state: LedgerState,
  intents: readonly Intent[],
  owner: Owner,
  wanted: Wanted,
  opening: OperationBodies['open'],
): Result<readonly Operation[], SubmitFault> => {
  const holder = holderOf(state, owner);
  if (holder === 'elsewhere')
    return err(
      fault('watch-only', 'another device signs for this account: move it here with the recovery key first'),
    );
  const pending = pendingOf(intents);
  if (pending.length >= maxPending)
    return err(
      fault('too-many', `${pending.length} operations wait to be ordered: wait until some are final`),
    );
  const first = nextSeq(state, intents, owner.account);
  const isOpened =
    holder === 'here' || pending.some((intent) => newestOf(intent)?.operation.operation.kind === 'open');
  const wishes: readonly Wanted[] =
    isOpened || wanted.kind === 'open' ? [wanted] : [{ kind: 'open', body: opening }, wanted];
  const operations = wishes.map((wish, index) => operationOf(state, owner.account, first + index, wish));
  const draft = afterPending(state, pending);
  for (const operation of operations) {
    const objection = tryOn(draft, operation);
    if (objection) return err(fault('not-now', objection));
  }
  return ok(operations);
};

/**
 * One more than all that this account has used or may still use. An intent that another tab knows to be settled counts too:
 * this tab's state may be older. One that was refused and whose versions have all ended does not: nothing has its number.
 */
const nextSeq = (state: LedgerState, intents: readonly Intent[], account: AccountId): number => {
  const mayStillCount = (intent: Intent) =>
    intent.outcome.phase !== 'refused' ||
    intent.versions.some(({ operation }) => operation.operation.validUntil >= state.epoch);
  const used = intents.filter(mayStillCount).map(({ seq }) => seq);
  return Math.max(accountOf(state, account).seq, ...used) + 1;
};

/** Takes the account's next number, whatever else was signed under it here: that key is not the account's any more. */
export const planMove = (
  state: LedgerState,
  { account, deviceKey }: Owner,
): Result<Operation, Fault<'not-needed'>> => {
  const holder = holderOf(state, { account, deviceKey });
  if (holder !== 'elsewhere')
    return err(
      fault(
        'not-needed',
        holder === 'here'
          ? 'this device signs for the account already'
          : 'the account was never opened: its first operation from here opens it',
      ),
    );
  const body = { key: deviceKey, by: 'recovery' as const };
  return ok(operationOf(state, account, accountOf(state, account).seq + 1, { kind: 'rotate', body }));
};

/**
 * What need not be kept any more: intents that have been final for longer than `keptEpochs`, for which a replica keeps the
 * blocks that show them. None of their versions can have been ordered after its last epoch, so that tells how long.
 *
 * The newest number of all, and the newest that was ordered, stay for ever: a tab whose state is older, because its replica
 * begins anew, finds in them which numbers are used. What was refused stays: nothing but this tells of it.
 */
export const forgettable = (
  { epoch }: Pick<LedgerState, 'epoch'>,
  intents: readonly Intent[],
  keptEpochs: number,
): readonly Intent[] => {
  const isFinal = ({ outcome }: Intent) => outcome.phase === 'final';
  const newest = Math.max(...intents.map(({ seq }) => seq));
  const newestFinal = Math.max(...intents.filter(isFinal).map(({ seq }) => seq));
  return intents.filter(
    (intent) =>
      isFinal(intent) &&
      intent.seq !== newest &&
      intent.seq !== newestFinal &&
      intent.versions.every(({ operation }) => operation.operation.validUntil + keptEpochs < epoch),
  );
};

/** What is to be done about a pending intent, seen from a state. */
export type Decision =
  | { readonly kind: 'wait' }
  /** Its number was taken; by what, tells its outcome. */
  | { readonly kind: 'settle'; readonly outcome: Outcome }
  /** Its number was taken, and by what is not known here. */
  | { readonly kind: 'look-up' }
  /** Sign it again, for the epochs to come. */
  | { readonly kind: 'renew'; readonly operation: Operation }
  /** Sign something that changes nothing under its number. */
  | { readonly kind: 'void'; readonly operation: Operation };

export const decide = (
  state: LedgerState,
  intent: Intent,
  owner: Owner,
  known: {
    /** What took its number, if that is known. */
    readonly ordered: OrderedOperation | undefined;
    /** Whether a keeper refused its newest version. */
    readonly isRefused: boolean;
    /** Whether who signed it can sign again. */
    readonly canSign: boolean;
  },
): Decision => {
  const newest = newestOf(intent);
  if (intent.outcome.phase !== 'pending' || !newest) return { kind: 'wait' };
  const { seq } = accountOf(state, intent.account);
  if (intent.seq <= seq)
    return known.ordered
      ? { kind: 'settle', outcome: outcomeOf(intent, known.ordered) }
      : { kind: 'look-up' };
  const { operation } = newest.operation;
  const isExpired = operation.validUntil < state.epoch;
  const isSigner = known.canSign && (intent.by === 'recovery' || holderOf(state, owner) !== 'elsewhere');
  if (isExpired && !isSigner)
    return refuse('it was not ordered in time, and this device does not sign for the account any more');
  if (isExpired) return { kind: 'renew', operation: renewed(state, operation) };
  const isNext = intent.seq === seq + 1;
  if (known.isRefused && isNext && newest.meant === 'intent' && holderOf(state, owner) === 'here') {
    if (tryOn({ ...state }, operation)) return { kind: 'void', operation: voidOf(state, intent, owner) };
  }
  return { kind: 'wait' };
};

export const outcomeOf = (intent: Intent, ordered: Pick<OrderedOperation, 'id' | 'height'>): Outcome => {
  const version = intent.versions.find(({ operation }) => operation.id === ordered.id);
  if (version?.meant === 'intent') return { phase: 'final', id: ordered.id, height: ordered.height };
  const reason = version
    ? 'it could not be ordered, and was given up'
    : 'another operation of this account took its number: it was signed on another device, or before this one lost its data';
  return { phase: 'refused', reason };
};

const refuse = (reason: string): Decision => ({ kind: 'settle', outcome: { phase: 'refused', reason } });

const pendingOf = (intents: readonly Intent[]): readonly Intent[] =>
  intents.filter(({ outcome }) => outcome.phase === 'pending').sort((a, b) => a.seq - b.seq);

const operationOf = (
  state: LedgerState,
  account: AccountId,
  seq: number,
  { kind, body }: Wanted,
): Operation =>
  ({ net: state.net, account, seq, validUntil: state.epoch + validEpochs, kind, body }) as Operation;

const renewed = (state: LedgerState, operation: Operation): Operation => ({
  ...operation,
  validUntil: state.epoch + validEpochs,
});

/** The key stays what it is. */
const voidOf = (state: LedgerState, { account, seq }: Intent, { deviceKey }: Owner): Operation =>
  operationOf(state, account, seq, { kind: 'rotate', body: { key: deviceKey, by: 'current' } });

/** What the state will be if all that is pending is ordered; what can't be any more counts as nothing but its number. */
const afterPending = (state: LedgerState, pending: readonly Intent[]): Draft => {
  const draft: Draft = { ...state };
  for (const intent of pending) {
    const operation = newestOf(intent)?.operation.operation;
    if (operation) tryOn(draft, { ...operation, validUntil: Math.max(operation.validUntil, state.epoch) });
    const account = accountOf(draft, intent.account);
    if (account.seq < intent.seq)
      draft.accounts = draft.accounts.set(intent.account, { ...account, seq: intent.seq });
  }
  return draft;
};

/** Why it does not apply; undefined if the draft now has it. */
const tryOn = (draft: Draft, operation: Operation): string | undefined => {
  const attempt: Draft = { ...draft };
  // Read as others will read it: what no keeper could read would hold up all that comes after it.
  const read = readOperation({ bytes: operationBytes(operation), signature: new Uint8Array(64) });
  if (!read.ok) return read.error.message;
  const applied = applyOperation(attempt, read.value, []);
  if (!applied.ok) return applied.error.message;
  Object.assign(draft, attempt);
  return undefined;
};
