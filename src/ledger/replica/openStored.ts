import * as v from 'valibot';
import type { CryptoPort } from '../../core/ports/crypto.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import { err, type Fault, ok, type Result } from '../../core/result.ts';
import { parseWith } from '../../core/schema.ts';
import { blockLimits, readCertifiedBlock } from '../block.ts';
import { checkCertificate } from '../certificate.ts';
import { initialState } from '../genesis.ts';
import { ownBytes } from '../schemas.ts';
import type { Genesis, LedgerState } from '../types.ts';
import { advanceBy } from './advance.ts';
import type { ReplicaStart } from './replica.ts';
import { openSnapshot } from './snapshot.ts';
import { withKeepers } from './spans.ts';
import type { LedgerStore } from './store.ts';
import type { Frame } from './types.ts';

export type OpenDeps = {
  readonly store: LedgerStore;
  readonly crypto: Pick<CryptoPort, 'verify' | 'digest'>;
  readonly telemetry: Telemetry;
};

/** How many blocks are in memory at a time. */
const pageBlocks = 256;

/**
 * What this device kept: the newest snapshot and the blocks after it. Owner signatures were checked before anything was
 * stored; here damage is looked for, by hashes, and the last block's certificate vouches for the chain. What is damaged is
 * dropped and downloaded again; only what a newer version of the page wrote is left alone, as an error.
 */
export const openStored = async (
  genesis: Genesis,
  deps: OpenDeps,
): Promise<Result<ReplicaStart, Fault<'newer'>>> => {
  const { store, crypto, telemetry } = deps;
  const warn = (message: string) => telemetry.log('warn', 'ledger', `${message}: it is downloaded again`);
  const start = await openBase(genesis, deps);
  if (!start.ok) {
    if (start.error.code === 'newer') return err({ ...start.error, code: 'newer' });
    warn(start.error.message);
    await store.clear();
    return ok(fromGenesis(genesis));
  }
  const base = start.value;
  const read = await readOn(base, store);
  if (read.problem) {
    warn(`block ${read.start.state.position.height + 1} is ${read.problem}`);
    await store.dropAfter(read.start.state.position.height);
  }
  const { last, state } = read.start;
  if (!last || state === base.state) return ok(read.start);
  const certified = await checkCertificate(last.certified, read.lastKeepers, crypto);
  if (certified.ok) return ok(read.start);
  warn(`the blocks kept here end in one that nobody certified (${certified.error.message})`);
  await store.dropAfter(base.state.position.height);
  return ok(base);
};

export const fromGenesis = (genesis: Genesis): ReplicaStart => {
  const state = initialState(genesis);
  return {
    state,
    spans: [{ from: 1, keepers: genesis.keepers }],
    epochBlock: { height: 0, head: state.position.head, time: genesis.time },
    last: undefined,
    snapshot: { height: 0, operations: 0 },
  };
};

const openBase = async (
  genesis: Genesis,
  { store, crypto }: OpenDeps,
): Promise<Result<ReplicaStart, Fault<'newer' | 'snapshot'>>> => {
  const kept = await store.snapshot();
  if (kept === undefined) return ok(fromGenesis(genesis));
  const opened = await openSnapshot(kept, (bytes) => crypto.digest(bytes));
  if (!opened.ok) return opened;
  const { state, frame, spans } = opened.value;
  const { height, head, time } = state.position;
  return ok({
    state,
    spans,
    epochBlock: { height, head, time },
    last: frame,
    snapshot: { height, operations: 0 },
  });
};

const storedBlockSchema = v.object({ bytes: ownBytes(blockLimits.maxBytes) });

const readStored = (stored: unknown): Frame | undefined => {
  const record = parseWith(storedBlockSchema, stored);
  const certified = record.ok ? readCertifiedBlock(record.value.bytes) : undefined;
  return record.ok && certified?.ok ? { bytes: record.value.bytes, certified: certified.value } : undefined;
};

/** As far as the blocks follow one another. */
const readOn = async (
  base: ReplicaStart,
  store: LedgerStore,
): Promise<{
  readonly start: ReplicaStart;
  readonly lastKeepers: LedgerState['keepers'];
  readonly problem: string | undefined;
}> => {
  let start = base;
  let lastKeepers = base.state.keepers;
  const end = (problem: string | undefined) => ({ start, lastKeepers, problem });
  for (;;) {
    const page = await store.blocks(start.state.position.height, pageBlocks);
    for (const stored of page) {
      const frame = readStored(stored);
      if (!frame) return end('damaged');
      const { block } = frame.certified;
      const next = advanceBy(start.state, block);
      if (!next) return end('not the one that follows');
      lastKeepers = start.state.keepers;
      start = startAfter(start, next.state, frame);
    }
    if (page.length < pageBlocks) return end(undefined);
  }
};

const startAfter = (before: ReplicaStart, state: LedgerState, frame: Frame): ReplicaStart => {
  const { id, header } = frame.certified.block;
  if (header.kind !== 'epoch') {
    const operations = before.snapshot.operations + header.operations;
    return { ...before, state, last: frame, snapshot: { ...before.snapshot, operations } };
  }
  return {
    ...before,
    state,
    last: frame,
    spans: withKeepers(before.spans, header.height + 1, header.keepers),
    epochBlock: { height: header.height, head: id, time: header.time },
  };
};
