import * as v from 'valibot';
import { type Bytes, concatBytes, equalBytes } from '../../core/bytes.ts';
import { err, type Fault, fault, ok, type Result } from '../../core/result.ts';
import { bytesSchema, countSchema, parseWith } from '../../core/schema.ts';
import { blockLimits, keeperSchema, readCertifiedBlock } from '../block.ts';
import { ledgerLimits } from '../protocol.ts';
import { exactBytes, ownBytes } from '../schemas.ts';
import { contentOf, stateRootOf } from '../stateRoot.ts';
import { treeFromChunks, treeToChunks } from '../table/index.ts';
import type { Block, LedgerState } from '../types.ts';
import { type KeeperSpan, type StoredSnapshot, snapshotVersion } from './store.ts';
import type { Frame } from './types.ts';

export type SnapshotFault = Fault<'snapshot'>;
type Digest = (bytes: Uint8Array) => Promise<Bytes>;

/** Room for a chunk's own framing in a message of the ledger socket. */
const partBytes = ledgerLimits.snapshotPartBytes;

/** The state after an epoch block, as it is kept and handed on. */
export const snapshotOf = async (
  state: LedgerState,
  epochBlock: Frame,
  spans: readonly KeeperSpan[],
  digest: Digest,
): Promise<Result<StoredSnapshot, SnapshotFault>> => {
  const parts = treeToChunks(contentOf(state), partBytes);
  if (!parts.ok) return parts;
  return ok({
    v: snapshotVersion,
    height: epochBlock.certified.block.header.height,
    block: epochBlock.bytes,
    parts: parts.value,
    digest: await digest(concatBytes(...parts.value)),
    spans,
  });
};

/**
 * A state told by strangers, checked against the state root in an epoch block whose certificate the caller has checked. With
 * equal roots it is, member for member, the state that those keepers have: that is what makes it a LedgerState.
 */
export const stateFromParts = (
  block: Block,
  parts: readonly Uint8Array[],
): Result<LedgerState, SnapshotFault> => {
  if (block.header.kind !== 'epoch') return refuse('it belongs to a block that ends no epoch');
  const state = stateAfter(block, parts);
  if (!state.ok) return state;
  return equalBytes(stateRootOf(state.value), block.header.stateRoot)
    ? state
    : refuse(`it is not the state after block ${block.header.height}: it was changed on its way, or made up`);
};

export type OpenedSnapshot = {
  readonly state: LedgerState;
  readonly frame: Frame;
  readonly spans: readonly KeeperSpan[];
};

/** What this device kept itself: its digest tells damage, and its root was compared when it was made. */
export const openSnapshot = async (
  stored: unknown,
  digest: Digest,
): Promise<Result<OpenedSnapshot, Fault<'snapshot' | 'newer'>>> => {
  if (isNewer(stored))
    return err(
      fault(
        'newer',
        'a newer version of this page keeps the ledger here: reload this one, nothing was changed',
      ),
    );
  const parsed = parseWith(storedSchema, stored);
  if (!parsed.ok) return refuse(`what is kept is no snapshot: ${parsed.error.message}`);
  const { block: bytes, parts, digest: told, spans, height } = parsed.value;
  if (!equalBytes(await digest(concatBytes(...parts)), told))
    return refuse('the snapshot kept here is damaged');
  const certified = readCertifiedBlock(bytes);
  if (!certified.ok) return refuse(certified.error.message);
  if (certified.value.block.header.height !== height) return refuse('the snapshot is of another height');
  const state = stateAfter(certified.value.block, parts);
  return state.ok ? ok({ state: state.value, frame: { bytes, certified: certified.value }, spans }) : state;
};

const storedSchema = v.object({
  v: v.literal(snapshotVersion),
  height: countSchema(Number.MAX_SAFE_INTEGER),
  block: ownBytes(blockLimits.maxBytes),
  parts: v.array(bytesSchema(partBytes)),
  digest: exactBytes(32),
  spans: v.array(v.object({ from: countSchema(Number.MAX_SAFE_INTEGER), keepers: v.array(keeperSchema) })),
});

const isNewer = (stored: unknown): boolean =>
  typeof stored === 'object' &&
  stored !== null &&
  'v' in stored &&
  typeof stored.v === 'number' &&
  stored.v > snapshotVersion;

const stateAfter = (
  { id, header }: Block,
  parts: readonly Uint8Array[],
): Result<LedgerState, SnapshotFault> => {
  const content = treeFromChunks(parts, partBytes);
  if (!content.ok) return content;
  if (header.kind !== 'epoch') return refuse('a snapshot is of an epoch block');
  const { height, creator, time, stateRoot } = header;
  return ok({
    ...(content.value as unknown as ReturnType<typeof contentOf>),
    position: { height, head: id, creator, time, stateRoot },
  });
};

const refuse = (message: string) => err(fault('snapshot', message));
