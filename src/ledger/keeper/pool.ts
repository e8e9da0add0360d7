import type { AccountId } from '../../core/brand.ts';
import { equalBytes } from '../../core/bytes.ts';
import type { PublicKey } from '../../core/ports/crypto.ts';
import { err, type Fault, fault, ok, type Result } from '../../core/result.ts';
import { applyOperation } from '../apply.ts';
import { signatureChecksOf } from '../signatures.ts';
import { accountOf } from '../transition/purse.ts';
import type { LedgerState, ReadOperation } from '../types.ts';
import type { PoolLimits } from './types.ts';

/**
 * Operations that wait to be ordered, by account and number. Up to two may wait under one number: an owner may have changed what
 * it wants, and who applies first wins. Persistent: every change gives another pool.
 *
 * An operation is kept with the keys its signatures were found to hold for. It leaves when its number is taken, when it is too
 * old, when one of these keys is no longer the right one, or when its turn comes and it does not apply.
 */
export type Pool = {
  readonly accounts: ReadonlyMap<AccountId, readonly Waiting[]>;
  readonly bytes: number;
};

export type Waiting = { readonly operation: ReadOperation; readonly keys: readonly PublicKey[] };

export type Dropped = { readonly operation: ReadOperation; readonly reason: string };
export type Cleared = readonly [Pool, readonly Dropped[]];

export const emptyPool: Pool = { accounts: new Map(), bytes: 0 };

/** The same pool if the operation waits already. */
export const addOperation = (
  pool: Pool,
  state: LedgerState,
  operation: ReadOperation,
  checkedAgainst: LedgerState,
  limits: PoolLimits,
): Result<Pool, Fault<'operation'>> => {
  const { account, seq, validUntil } = operation.operation;
  const waiting = pool.accounts.get(account) ?? [];
  const rivals = waiting.filter((other) => other.operation.operation.seq === seq);
  if (rivals.some((rival) => rival.operation.id === operation.id)) return ok(pool);
  const next = accountOf(state, account).seq + 1;
  if (seq < next) return refuse(`its number is ${seq}, the account's next is ${next}`);
  if (validUntil < state.epoch) return refuse(`it ended with epoch ${validUntil}, this is ${state.epoch}`);
  if (rivals.length > 1) return refuse(`two operations of number ${seq} wait already: one will be ordered`);
  if (waiting.length >= limits.maxPerAccount || seq >= next + limits.maxPerAccount)
    return refuse(`an account has at most ${limits.maxPerAccount} operations waiting: send this one later`);
  const bytes = pool.bytes + sizeOf(operation);
  if (bytes > limits.maxBytes) return refuse('this keeper has no more room for what waits: send it later');
  const keys = keysOf(checkedAgainst, operation);
  if (!keys || !sameKeys(keys, keysOf(state, operation)))
    return refuse('the key it is signed with is no longer, or not yet, the one of its account');
  if (seq === next) {
    const applied = applyOperation({ ...state }, operation, []);
    if (!applied.ok) return applied;
  }
  const queue = [...waiting, { operation, keys }].sort(byNumber);
  return ok({ accounts: new Map(pool.accounts).set(account, queue), bytes });
};

/** What a block or the end of an epoch leaves. */
export const clearPool = (pool: Pool, state: LedgerState, touched: Iterable<AccountId>): Cleared => {
  const accounts = new Map(pool.accounts);
  const dropped: Dropped[] = [];
  for (const account of new Set(touched)) {
    const waiting = accounts.get(account);
    if (!waiting) continue;
    const left = waiting.filter(({ operation, keys }) => {
      const reason = reasonToDrop(state, operation, keys);
      if (reason) dropped.push({ operation, reason });
      return !reason;
    });
    if (left.length > 0) accounts.set(account, left);
    else accounts.delete(account);
  }
  return [{ accounts, bytes: pool.bytes - bytesOf(dropped) }, dropped];
};

export const removeOperations = (pool: Pool, gone: readonly ReadOperation[]): Pool => {
  if (gone.length === 0) return pool;
  const accounts = new Map(pool.accounts);
  let { bytes } = pool;
  for (const { id, operation } of gone) {
    const waiting = accounts.get(operation.account) ?? [];
    const left = waiting.filter((other) => other.operation.id !== id);
    if (left.length === waiting.length) continue;
    for (const other of waiting) if (other.operation.id === id) bytes -= sizeOf(other.operation);
    if (left.length > 0) accounts.set(operation.account, left);
    else accounts.delete(operation.account);
  }
  return { accounts, bytes };
};

/** Whether anything that waits can be ordered now, and what turned out not to apply on the way to it. */
export const findWork = (
  pool: Pool,
  state: LedgerState,
): { readonly found: boolean; readonly dropped: readonly Dropped[] } => {
  const dropped: Dropped[] = [];
  for (const [account, waiting] of pool.accounts) {
    const next = accountOf(state, account).seq + 1;
    for (const { operation } of waiting) {
      if (operation.operation.seq !== next) continue;
      const applied = applyOperation({ ...state }, operation, []);
      if (applied.ok) return { found: true, dropped };
      dropped.push({ operation, reason: applied.error.message });
    }
  }
  return { found: false, dropped };
};

/**
 * For a block, account after account. Of an account that changes its keys nothing after the change is taken along: its
 * signatures were checked for the keys before.
 */
export const candidatesOf = (pool: Pool): ReadOperation[] => {
  const candidates: ReadOperation[] = [];
  for (const waiting of pool.accounts.values()) {
    let last = Number.POSITIVE_INFINITY;
    for (const { operation } of waiting) {
      const { kind, seq } = operation.operation;
      if (seq > last) break;
      if (kind === 'open' || kind === 'rotate' || kind === 'recovery') last = seq;
      candidates.push(operation);
    }
  }
  return candidates;
};

/** Whether the signatures of a block's operations are known to hold: all of them wait here, under the keys the block asks for. */
export const isChecked = (pool: Pool, state: LedgerState, operations: readonly ReadOperation[]): boolean => {
  const checks = signatureChecksOf(state, operations);
  if (!checks.ok) return false;
  return operations.every((operation, index) => {
    const waiting = pool.accounts.get(operation.operation.account) ?? [];
    const known = waiting.find((other) => other.operation.id === operation.id);
    // The id doesn't cover the signature: another one under the same bytes was never checked.
    if (!known || !equalBytes(known.operation.signature, operation.signature)) return false;
    return sameKeys(
      known.keys,
      checks.value[index]?.map(({ key }) => key),
    );
  });
};

const reasonToDrop = (
  state: LedgerState,
  operation: ReadOperation,
  keys: readonly PublicKey[],
): string | undefined => {
  const { account, seq, validUntil } = operation.operation;
  const next = accountOf(state, account).seq + 1;
  if (seq < next) return `its number is ${seq}, the account's next is ${next}`;
  if (validUntil < state.epoch) return `it ended with epoch ${validUntil}, this is ${state.epoch}`;
  if (!sameKeys(keys, keysOf(state, operation))) return 'its account has another key now';
  return undefined;
};

const keysOf = (state: LedgerState, operation: ReadOperation): readonly PublicKey[] | undefined => {
  const checks = signatureChecksOf(state, [operation]);
  return checks.ok ? checks.value[0]?.map(({ key }) => key) : undefined;
};

const sameKeys = (a: readonly PublicKey[], b: readonly PublicKey[] | undefined): boolean =>
  b !== undefined && a.length === b.length && a.every((key, i) => equalBytes(key, b[i] ?? new Uint8Array()));

const byNumber = (a: Waiting, b: Waiting): number => a.operation.operation.seq - b.operation.operation.seq;
/** The object around the bytes counts, too. */
const sizeOf = ({ bytes, signature }: ReadOperation): number => bytes.byteLength + signature.byteLength + 512;
const bytesOf = (dropped: readonly Dropped[]): number =>
  dropped.reduce((sum, { operation }) => sum + sizeOf(operation), 0);

const refuse = (message: string) => err(fault('operation', message));
