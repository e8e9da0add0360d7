import type { LedgerWorkerApi } from '../../../workers/protocol.ts';
import type { AccountId } from '../../core/brand.ts';
import { toBase64url, toHex } from '../../core/bytes.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { formatAmount } from '../../ledger/amounts.ts';
import { certifiedBlockBytes, readCertifiedBlock } from '../../ledger/block.ts';
import { ledgerLimits } from '../../ledger/protocol.ts';
import { accountOf } from '../../ledger/transition/purse.ts';
import type { CertifiedBlock, LedgerState, ReadOperation } from '../../ledger/types.ts';
import type { ExplorerFact, ExplorerItem } from '../ledgerView.ts';
import { describeEvidence, type FoundEvidence } from './evidence.ts';
import type { Forks, FoundFork } from './forks.ts';
import { describeFork, exportFork } from './forkView.ts';
import { jsonOf } from './jsonOf.ts';
import { type NameOf, operationInWords, shortId } from './words.ts';

/** Something of the ledger that was found: what it is, and the certified block that proves it, if it stands in one. */
export type Found =
  | { readonly kind: 'block'; readonly certified: CertifiedBlock }
  | {
      readonly kind: 'operation';
      readonly certified: CertifiedBlock;
      readonly operation: ReadOperation;
      readonly index: number;
    }
  | FoundEvidence
  | FoundFork
  | { readonly kind: 'account' | 'proposal' | 'order'; readonly id: string };

type FoundOperation = Extract<Found, { readonly kind: 'operation' }>;
type FoundInState = Extract<Found, { readonly kind: 'account' | 'proposal' | 'order' }>;

export type ExplorerDeps = {
  readonly state: () => LedgerState | undefined;
  readonly log: Pick<LedgerWorkerApi, 'blocks'>;
  readonly nameOf: NameOf;
  readonly forks: Pick<Forks, 'find'>;
};

export interface Explorer {
  find(query: string): Promise<Result<Found, string>>;
  describe(found: Found): Result<ExplorerItem, string>;
  /** What a stranger needs to check it elsewhere. */
  exportOf(found: Found, format: 'json' | 'cbor'): Result<Blob, string>;
  blockAt(height: number): Promise<CertifiedBlock | undefined>;
}

/** Beginnings of ids as short as this would be guesses. */
const leastPrefix = 6;

export const createExplorer = ({ state, log, nameOf, forks }: ExplorerDeps): Explorer => {
  const blocksAfter = async (after: number, count: number): Promise<readonly CertifiedBlock[]> => {
    const frames = await log.blocks(after, count, ledgerLimits.maxBlocksBytes);
    return frames.flatMap((bytes) => {
      const read = readCertifiedBlock(bytes);
      return read.ok ? [read.value] : [];
    });
  };
  const blockAt = async (height: number): Promise<CertifiedBlock | undefined> =>
    (await blocksAfter(height - 1, 1))[0];

  /** Newest first, as far back as this browser keeps bodies. */
  const search = async (head: number, query: string): Promise<Found | undefined> => {
    for (let top = head; top > 0; ) {
      const after = Math.max(0, top - searchedAtOnce);
      const blocks = await rangeOf(after, top);
      if (blocks.length === 0) return undefined;
      for (const certified of [...blocks].reverse()) {
        if (certified.block.id.startsWith(query)) return { kind: 'block', certified };
        const index = certified.block.operations.findIndex(({ id }) => id.startsWith(query));
        const operation = certified.block.operations[index];
        if (operation) return { kind: 'operation', certified, operation, index };
      }
      top = after;
    }
    return undefined;
  };
  /** An answer may hold fewer than asked for: bytes are limited, and old bodies are gone. */
  const rangeOf = async (after: number, top: number): Promise<readonly CertifiedBlock[]> => {
    const found: CertifiedBlock[] = [];
    for (let at = after; at < top; ) {
      const blocks = await blocksAfter(at, top - at);
      found.push(...blocks);
      const last = blocks.at(-1)?.block.header.height;
      if (last === undefined) return found;
      at = last;
    }
    return found;
  };

  return {
    blockAt,
    async find(query) {
      const fork = forks.find(query.trim());
      if (fork) return fork;
      const present = state();
      if (!present) return err('The ledger is still being opened. Try again in a moment.');
      const text = query.trim();
      if (/^\d{1,15}$/.test(text)) {
        const certified = await blockAt(Number(text));
        if (certified) return ok({ kind: 'block', certified });
        return err(
          `Block ${text} is not kept in this browser: it keeps blocks up to ${present.position.height}, and bodies of the last seven days.`,
        );
      }
      if (text.length < leastPrefix)
        return err(`Enter a block’s height, or at least ${leastPrefix} characters of an id.`);
      const known = inState(present, text);
      if (known) return ok(known);
      if (present.evidence.has(text)) {
        const proof = await search(present.position.height, text);
        return ok({ kind: 'evidence', id: text, proof: proof?.kind === 'operation' ? proof : undefined });
      }
      const found = await search(present.position.height, text);
      return found
        ? ok(found)
        : err('Nothing with this id is kept in this browser. Bodies of blocks are kept for seven days.');
    },
    describe(found) {
      if (found.kind === 'fork') return ok(describeFork(found));
      const present = state();
      return present ? describe(found, present, nameOf) : err('The ledger is still being opened.');
    },
    exportOf(found, format) {
      if (found.kind === 'fork') return ok(exportFork(found, format));
      const inBlock = found.kind === 'evidence' ? (found.proof ?? found) : found;
      if (inBlock.kind === 'block' || inBlock.kind === 'operation') {
        if (format === 'cbor')
          return ok(new Blob([certifiedBlockBytes(inBlock.certified)], { type: 'application/cbor' }));
        return ok(jsonBlob(inBlock.kind === 'block' ? inBlock.certified : withOperation(inBlock)));
      }
      const present = state();
      const value = present && entryOf(present, inBlock);
      if (value === undefined) return err('It is not in the present state any more.');
      if (format === 'cbor') return err('It stands in the state, not in a block: export it as JSON.');
      return ok(jsonBlob(value));
    },
  };
};

const searchedAtOnce = 256;

const inState = (state: LedgerState, query: string): Found | undefined => {
  if (query.length < 43) return undefined;
  if (state.governance.open.has(query) || state.governance.closed.has(query))
    return { kind: 'proposal', id: query };
  if (state.market.escrows.has(query)) return { kind: 'order', id: query };
  return state.accounts.has(query) ? { kind: 'account', id: query } : undefined;
};

const entryOf = (state: LedgerState, { kind, id }: FoundInState | FoundEvidence): unknown => {
  switch (kind) {
    case 'account':
      return state.accounts.get(id);
    case 'proposal':
      return state.governance.open.get(id) ?? state.governance.closed.get(id);
    case 'order':
      return state.market.escrows.get(id);
    case 'evidence':
      return state.evidence.get(id);
    default:
      return kind satisfies never;
  }
};

type Fact = ExplorerFact;

const describe = (
  found: Exclude<Found, FoundFork>,
  state: LedgerState,
  nameOf: NameOf,
): Result<ExplorerItem, string> => {
  if (found.kind === 'block') return ok(blockItem(found.certified, state, nameOf));
  if (found.kind === 'operation') return ok(operationItem(found, nameOf));
  if (found.kind === 'evidence') return describeEvidence(found, state);
  const value = entryOf(state, found);
  if (value === undefined || value === null || typeof value !== 'object')
    return err('It is not in the present state any more.');
  const { id, kind } = found;
  if (kind === 'account') {
    const { balance, seq, key } = accountOf(state, id as AccountId);
    const facts: readonly Fact[] = [
      { term: 'Account', value: id },
      { term: 'Balance', value: `${formatAmount(balance, { grouping: true })} VC` },
      { term: 'Operations so far', value: String(seq) },
      { term: 'Signing key', value: key ? toBase64url(key) : 'not opened yet' },
    ];
    return ok({ id, kind, title: nameOf(id as AccountId) ?? 'Account', facts, parts: [] });
  }
  const facts = Object.entries(value).map(([term, member]): Fact => ({ term, value: textOf(member) }));
  const titles = { proposal: 'Proposal', order: 'Order' } as const;
  return ok({ id, kind, title: titles[kind], facts: [{ term: 'id', value: id }, ...facts], parts: [] });
};

const blockItem = (
  { block, certificate }: CertifiedBlock,
  { keepers }: LedgerState,
  nameOf: NameOf,
): ExplorerItem => {
  const { header, id, operations } = block;
  const name = (seat: number) => keepers[seat]?.name ?? `keeper ${seat + 1}`;
  return {
    id,
    kind: 'block',
    title: `Block ${header.height}`,
    facts: [
      { term: 'Id', value: id },
      {
        term: 'Follows',
        value: header.previous,
        ...(header.height > 1 ? { item: String(header.height - 1) } : {}),
      },
      { term: 'Kind', value: header.kind === 'epoch' ? `ends epoch ${header.epoch}` : 'operations' },
      { term: 'Epoch', value: String(header.epoch) },
      { term: 'Made by', value: name(header.creator) },
      { term: 'Made at', value: new Date(header.time).toISOString() },
      { term: 'Root of its operations', value: toHex(header.operationsRoot) },
      ...(header.kind === 'epoch' ? [{ term: 'State root', value: toHex(header.stateRoot) }] : []),
      {
        term: 'Agreed to in round',
        value: `${certificate.round}, by ${certificate.precommits.map(({ voter }) => name(voter)).join(', ')}`,
      },
    ],
    parts: operations.map(({ id: item, operation }) => ({
      label: operationInWords(operation, nameOf),
      note: nameOf(operation.account) ?? shortId(operation.account),
      item,
    })),
  };
};

const operationItem = (
  { certified, operation: read, index }: FoundOperation,
  nameOf: NameOf,
): ExplorerItem => {
  const { operation, id, signature } = read;
  const { header } = certified.block;
  return {
    id,
    kind: 'operation',
    title: operationInWords(operation, nameOf),
    facts: [
      { term: 'Id', value: id },
      { term: 'By', value: nameOf(operation.account) ?? operation.account, item: operation.account },
      { term: 'Number of its account', value: String(operation.seq) },
      ...Object.entries(operation.body).map(([term, member]): Fact => {
        const value = textOf(member);
        return isAccountField(term, member) ? { term, value, item: value } : { term, value };
      }),
      {
        term: 'In block',
        value: `${header.height}, place ${index + 1} of ${header.operations}`,
        item: String(header.height),
      },
      { term: 'Made at', value: new Date(header.time).toISOString() },
      { term: 'Signature', value: toHex(signature) },
    ],
    parts: [],
  };
};

const isAccountField = (term: string, member: unknown): boolean =>
  (term === 'to' || term === 'account') && typeof member === 'string' && member.length === 43;

const textOf = (value: unknown): string => {
  if (value === null || value === undefined) return '—';
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return toHex(value);
  if (typeof value === 'object') return jsonOf(value);
  return String(value);
};

const withOperation = ({ certified, operation, index }: FoundOperation) => ({
  operation: operation.operation,
  id: operation.id,
  signature: operation.signature,
  bytes: operation.bytes,
  place: index,
  block: certified,
});

const jsonBlob = (value: unknown): Blob => new Blob([jsonOf(value, 2)], { type: 'application/json' });
