import { concatBytes, equalBytes } from '../../../src/core/bytes.ts';
import { sha256Bytes } from '../../../src/core/hash.ts';
import { audit } from '../../../src/ledger/audit.ts';
import { consensusBytes } from '../../../src/ledger/messages.ts';
import { operationMessage } from '../../../src/ledger/operation.ts';
import { stateRootOf } from '../../../src/ledger/stateRoot.ts';
import type { CertifiedBlock, LedgerState, Operation, ReadOperation } from '../../../src/ledger/types.ts';
import { createBooks, type Entry } from './books.ts';
import { intentOf } from './intents.ts';
import type { Scheme } from './scheme.ts';

/**
 * Judges what is final by a second, plain writing of the rules (what operations do to money is in `books.ts`). What it finds is a violation, whoever made it. It believes nobody but the genesis state.
 */
export interface Referee {
  readonly violations: readonly string[];
  readonly height: number;
  /** Somebody honest says that this is final, and that the state after it is this. */
  final(who: string, certified: CertifiedBlock, state: LedgerState, now: number): void;
  blame(what: string): void;
  /** Counts everything again: at the end of a history. */
  inspect(who: string, state: LedgerState): void;
}

export type RefereeOptions = {
  /** Least virtual milliseconds between the ends of two epochs. */
  readonly leastEpochMs: number;
  /** Compare everybody's state roots at every height; else one at the end of every epoch. */
  readonly roots: boolean;
};

export const createReferee = (genesis: LedgerState, scheme: Scheme, options: RefereeOptions): Referee => {
  const violations: string[] = [];
  const blocks: { readonly id: string; readonly creator: number; readonly root: Uint8Array | undefined }[] =
    [];
  const books = createBooks(genesis, scheme);
  const seen = new Set<string>();
  const intents = new Map<string, number>();
  let epochBegan = 0;
  let keepers = genesis.keepers;
  const total = genesis.supply.minted;

  const blame = (what: string) => void (violations.length < 20 && violations.push(what));
  const judgeOperation = (read: ReadOperation, where: string): void => {
    const { operation, id } = read;
    const bad = (why: string) =>
      blame(`${where}: operation ${operation.kind} ${operation.account.slice(0, 6)}/${operation.seq} ${why}`);
    if (seen.has(id)) bad('was ordered before');
    seen.add(id);
    const entry = books.entryOf(operation.account);
    const { epoch } = books;
    if (operation.net !== genesis.net) bad('is of another swarm');
    if (operation.seq !== entry.seq + 1) bad(`has not number ${entry.seq + 1}`);
    if (operation.validUntil < epoch || operation.validUntil > epoch + 6)
      bad(`is valid until ${operation.validUntil} in epoch ${epoch}`);
    const signer = signerOf(operation, entry);
    if (!signer || !scheme.verify(signer, operationMessage(read.bytes), read.signature))
      bad('is not signed by whom it must');
    entry.seq = operation.seq;
    books.book(read, bad);
    const intent = intentOf(operation);
    if (intent) {
      const times = (intents.get(intent) ?? 0) + 1;
      intents.set(intent, times);
      if (times > 1) bad(`is intent ${intent} a second time`);
    }
  };

  const judgeCertificate = ({ block, certificate }: CertifiedBlock, where: string): void => {
    const n = keepers.length;
    const quorum = n - Math.floor((n - 1) / 3);
    const { height } = block.header;
    const voters = new Set<number>();
    const message = consensusBytes({
      net: genesis.net,
      type: 'precommit',
      height,
      round: certificate.round,
      value: block.id,
    });
    for (const { voter, signature } of certificate.precommits) {
      const key = keepers[voter]?.key;
      if (key && scheme.verify(key, message, signature)) voters.add(voter);
    }
    if (voters.size < quorum) blame(`${where}: ${voters.size} of ${n} keepers signed it, not ${quorum}`);
  };

  const judgeBlock = (certified: CertifiedBlock, state: LedgerState, now: number): void => {
    const { header, operations, id } = certified.block;
    const where = `block ${header.height}`;
    const before = blocks.at(-1);
    const { epoch } = books;
    if (header.previous !== (before?.id ?? genesis.position.head))
      blame(`${where} does not follow the one before`);
    if (header.epoch !== epoch) blame(`${where} is of epoch ${header.epoch}, not ${epoch}`);
    judgeCertificate(certified, where);
    const leader =
      ((before?.creator ?? genesis.position.creator) + (header.height % 64 === 0 ? 1 : 0)) % keepers.length;
    if (certified.certificate.round === 0 && header.creator !== leader)
      blame(`${where} was made by ${header.creator}, the leader was ${leader}`);
    if (operations.length === 0 && header.kind === 'operations') blame(`${where} is empty`);
    if (header.operations !== operations.length || !equalBytes(header.operationsRoot, rootOf(operations)))
      blame(`${where} holds other operations than its header says`);
    for (const operation of operations) judgeOperation(operation, where);
    if (header.kind === 'epoch') {
      if (operations.length > 0) blame(`${where} ends an epoch and holds operations`);
      if (now - epochBegan < options.leastEpochMs)
        blame(
          `${where} ends its epoch after ${Math.round(now - epochBegan)} ms, ${Math.round(options.leastEpochMs)} are the least`,
        );
      if (!equalBytes(header.stateRoot, stateRootOf(state)))
        blame(`${where} has a root that its state has not`);
      const next = books.nextKeepers();
      if (
        header.keepers.length !== next.length ||
        header.keepers.some(({ key }, seat) => !equalBytes(key, next[seat]?.key ?? key.subarray(1)))
      )
        blame(`${where} names keepers that nobody decided on`);
      if (header.supply.minted !== total || header.supply.burned !== 0)
        blame(`${where} tells another supply than there is`);
      books.endEpoch(state);
      epochBegan = now;
      keepers = next;
    }
    blocks.push({ id, creator: header.creator, root: options.roots ? stateRootOf(state) : undefined });
    if (header.kind === 'epoch') {
      const counted = audit(state);
      if (!counted.ok) blame(`${where}: ${counted.error.message}`);
    }
    compare(where, state);
  };

  const compare = (where: string, state: LedgerState): void => {
    const { entries, treasury, escrow } = books;
    const sum = [...entries.values()].reduce((held, { balance }) => held + balance, treasury + escrow);
    if (sum !== total) blame(`${where}: ${sum} are held, ${total} were minted`);
    if (state.supply.minted !== total || state.supply.burned !== 0) blame(`${where}: the supply changed`);
    if (state.treasury !== treasury) blame(`${where}: the treasury holds ${state.treasury}, not ${treasury}`);
    for (const [id, entry] of entries) {
      const account = state.accounts.get(id);
      const same =
        (account?.balance ?? 0) === entry.balance &&
        (account?.seq ?? 0) === entry.seq &&
        sameKey(account?.key ?? null, entry.key) &&
        sameKey(account?.recovery ?? null, entry.recovery);
      if (!same) blame(`${where}: account ${id.slice(0, 6)} is not as its operations left it`);
    }
  };

  return {
    violations,
    get height() {
      return blocks.length;
    },
    blame,
    final(who, certified, state, now) {
      const { height } = certified.block.header;
      const known = blocks[height - 1];
      if (!known && height === blocks.length + 1) return judgeBlock(certified, state, now);
      if (!known) return blame(`${who} has block ${height} before anybody had block ${blocks.length + 1}`);
      if (known.id !== certified.block.id) return blame(`${who} has another block ${height} than the others`);
      if (known.root && !equalBytes(known.root, stateRootOf(state)))
        blame(`${who} has another state after block ${height}`);
    },
    inspect(who, state) {
      const counted = audit(state);
      if (!counted.ok) blame(`${who} at the end: ${counted.error.message}`);
      if (state.position.height === blocks.length) compare(`${who} at the end`, state);
    },
  };
};

/** RFC 6962 §2.1, by the book. */
const rootOf = (operations: readonly ReadOperation[]): Uint8Array =>
  rootOver(
    operations.map(({ signature, bytes }) => sha256Bytes(concatBytes(Uint8Array.of(0), signature, bytes))),
  );
const rootOver = (hashes: readonly Uint8Array[]): Uint8Array => {
  const [first, second] = hashes;
  if (!first) return sha256Bytes(new Uint8Array());
  if (!second) return first;
  let half = 1;
  while (half * 2 < hashes.length) half *= 2;
  const [left, right] = [rootOver(hashes.slice(0, half)), rootOver(hashes.slice(half))];
  return sha256Bytes(concatBytes(Uint8Array.of(1), left, right));
};

const signerOf = (operation: Operation, { key, recovery }: Entry): Uint8Array | null => {
  if (operation.kind === 'open') return operation.body.deviceKey;
  if (operation.kind === 'recovery') return recovery;
  return operation.kind === 'rotate' && operation.body.by === 'recovery' ? recovery : key;
};

const sameKey = (a: Uint8Array | null, b: Uint8Array | null): boolean =>
  a === b || (a !== null && b !== null && equalBytes(a, b));
