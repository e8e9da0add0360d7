import { equalBytes } from '../../../src/core/bytes.ts';
import { audit } from '../../../src/ledger/audit.ts';
import { consensusBytes } from '../../../src/ledger/messages.ts';
import { operationMessage } from '../../../src/ledger/operation.ts';
import { stateRootOf } from '../../../src/ledger/stateRoot.ts';
import type {
  CertifiedBlock,
  Keeper,
  LedgerState,
  Operation,
  ReadOperation,
} from '../../../src/ledger/types.ts';
import { identityVerified } from './people.ts';
import type { Scheme } from './scheme.ts';

/**
 * Judges what is final by a second, plain writing of the rules: maps and sums, no table, no module, nothing of `applyBlock`. What
 * it finds is a violation, whoever made it. It believes nobody but the genesis state.
 */
export interface Referee {
  readonly violations: readonly string[];
  readonly height: number;
  /** Somebody honest says that this is final, and that the state after it is this. */
  final(who: string, certified: CertifiedBlock, state: LedgerState, now: number): void;
  blame(what: string): void;
  /** How often what has this name was ordered. */
  ordered(intent: string): number;
  /** Counts everything again: at the end of a history. */
  inspect(who: string, state: LedgerState): void;
}

export type RefereeOptions = {
  /** The keepers of height 1, and those after the first epoch. */
  readonly keepers: readonly Keeper[];
  readonly nextKeepers: readonly Keeper[];
  /** Least virtual milliseconds between the ends of two epochs. */
  readonly leastEpochMs: number;
  /** Compare the state roots at every height; else at the end only, and at the end of every epoch. */
  readonly roots: boolean;
};

type Entry = { balance: number; seq: number; key: Uint8Array | null; recovery: Uint8Array | null };

export const createReferee = (genesis: LedgerState, scheme: Scheme, options: RefereeOptions): Referee => {
  const violations: string[] = [];
  const blocks: { readonly id: string; readonly creator: number; readonly root: Uint8Array | undefined }[] =
    [];
  const entries = new Map<string, Entry>();
  const seen = new Set<string>();
  const intents = new Map<string, number>();
  const fee = genesis.parameters.transferFee;
  let treasury = genesis.treasury;
  let epoch = 0;
  let epochBegan = 0;
  let keepers = options.keepers;
  const total = genesis.supply.minted;
  for (const [id, { balance }] of genesis.accounts.entries())
    entries.set(id, { balance, seq: 0, key: null, recovery: null });

  const blame = (what: string) => void (violations.length < 20 && violations.push(what));
  const entryOf = (id: string): Entry => {
    const entry = entries.get(id) ?? { balance: 0, seq: 0, key: null, recovery: null };
    entries.set(id, entry);
    return entry;
  };

  const judgeOperation = (read: ReadOperation, where: string): void => {
    const { operation, id } = read;
    const bad = (why: string) =>
      blame(`${where}: operation ${operation.kind} ${operation.account.slice(0, 6)}/${operation.seq} ${why}`);
    if (seen.has(id)) bad('was ordered before');
    seen.add(id);
    const entry = entryOf(operation.account);
    if (operation.net !== genesis.net) bad('is of another swarm');
    if (operation.seq !== entry.seq + 1) bad(`has not number ${entry.seq + 1}`);
    if (operation.validUntil < epoch || operation.validUntil > epoch + 6)
      bad(`is valid until ${operation.validUntil} in epoch ${epoch}`);
    const signer = signerOf(operation, entry);
    if (!signer || !scheme.verify(signer, operationMessage(read.bytes), read.signature))
      bad('is not signed by whom it must');
    entry.seq = operation.seq;
    run(operation, entry, bad);
    const intent = intentOf(operation);
    if (intent) {
      const times = (intents.get(intent) ?? 0) + 1;
      intents.set(intent, times);
      if (times > 1) bad(`is intent ${intent} a second time`);
    }
  };

  const run = (operation: Operation, entry: Entry, bad: (why: string) => void): void => {
    switch (operation.kind) {
      case 'open':
        if (entry.key) bad('opens an open account');
        if (!identityVerified(operation.account, operation.body, scheme))
          bad('has a certificate that does not hold');
        entry.key = operation.body.deviceKey;
        entry.recovery = operation.body.recoveryKey;
        return;
      case 'transfer': {
        const { amount, to } = operation.body;
        if (!(amount > 0) || entry.balance < amount + fee) bad(`spends ${amount} of ${entry.balance}`);
        entry.balance -= amount + fee;
        entryOf(to).balance += amount;
        treasury += fee;
        return;
      }
      case 'rotate':
        entry.key = operation.body.key;
        return;
      case 'recovery':
        entry.recovery = operation.body.key;
        return;
      default:
        return;
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
    if (header.previous !== (before?.id ?? genesis.position.head))
      blame(`${where} does not follow the one before`);
    if (header.epoch !== epoch) blame(`${where} is of epoch ${header.epoch}, not ${epoch}`);
    judgeCertificate(certified, where);
    const leader =
      ((before?.creator ?? genesis.position.creator) + (header.height % 64 === 0 ? 1 : 0)) % keepers.length;
    if (certified.certificate.round === 0 && header.creator !== leader)
      blame(`${where} was made by ${header.creator}, the leader was ${leader}`);
    if (operations.length === 0 && header.kind === 'operations') blame(`${where} is empty`);
    for (const operation of operations) judgeOperation(operation, where);
    if (header.kind === 'epoch') {
      if (operations.length > 0) blame(`${where} ends an epoch and holds operations`);
      if (now - epochBegan < options.leastEpochMs)
        blame(
          `${where} ends its epoch after ${Math.round(now - epochBegan)} ms, ${Math.round(options.leastEpochMs)} are the least`,
        );
      if (options.roots && !equalBytes(header.stateRoot, stateRootOf(state)))
        blame(`${where} has a root that its state has not`);
      if (
        header.keepers.some(
          ({ key }, seat) => !equalBytes(key, options.nextKeepers[seat]?.key ?? key.subarray(1)),
        )
      )
        blame(`${where} names keepers that nobody decided on`);
      epoch += 1;
      epochBegan = now;
      keepers = options.nextKeepers;
    }
    blocks.push({ id, creator: header.creator, root: options.roots ? stateRootOf(state) : undefined });
    compare(where, state);
  };

  const compare = (where: string, state: LedgerState): void => {
    const counted = audit(state);
    if (!counted.ok) blame(`${where}: ${counted.error.message}`);
    const sum = [...entries.values()].reduce((held, { balance }) => held + balance, treasury);
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
    ordered: (intent) => intents.get(intent) ?? 0,
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
      if (state.position.height === blocks.length) compare(`${who} at the end`, state);
    },
  };
};

/** What honest owners want, by name: the memo of a transfer, the key of a rotation, the opening of an account. */
const intentOf = (operation: Operation): string | undefined => {
  if (operation.kind === 'transfer') return operation.body.memo?.split('~')[0];
  return operation.kind === 'open' ? `open ${operation.account}` : undefined;
};

const signerOf = (operation: Operation, { key, recovery }: Entry): Uint8Array | null => {
  if (operation.kind === 'open') return operation.body.deviceKey;
  if (operation.kind === 'recovery') return recovery;
  return operation.kind === 'rotate' && operation.body.by === 'recovery' ? recovery : key;
};

const sameKey = (a: Uint8Array | null, b: Uint8Array | null): boolean =>
  a === b || (a !== null && b !== null && equalBytes(a, b));
