import { applyOperation, endEpoch } from './apply.ts';
import { blockLimits, blockOf, operationsRootOf } from './block.ts';
import { stateRootOf } from './stateRoot.ts';
import type { Draft } from './transition/module.ts';
import type { Block, LedgerState, ReadOperation } from './types.ts';

/** What a leader proposes. Pure: the caller gives the operations it has, whose signatures it has checked. */

export type Maker = { readonly creator: number; readonly time: number };

export type Built = {
  readonly block: Block | undefined;
  /** Those that can't follow this state: of a later number, or never. */
  readonly refused: readonly { readonly operation: ReadOperation; readonly reason: string }[];
};

/** In the order given; an operation that does not apply is left out. Undefined if none does. */
export const buildOperationsBlock = (
  state: LedgerState,
  candidates: readonly ReadOperation[],
  maker: Maker,
): Built => {
  let draft: Draft = { ...state };
  const taken: ReadOperation[] = [];
  const refused: { operation: ReadOperation; reason: string }[] = [];
  let bytes = 0;
  for (const operation of candidates) {
    if (taken.length >= blockLimits.maxOperations) break;
    const size = operation.bytes.byteLength + operation.signature.byteLength + 16;
    if (bytes + size > blockLimits.maxBytes - headerRoom) break;
    const next: Draft = { ...draft };
    const applied = applyOperation(next, operation, []);
    if (!applied.ok) {
      refused.push({ operation, reason: applied.error.message });
      continue;
    }
    draft = next;
    bytes += size;
    taken.push(operation);
  }
  if (taken.length === 0) return { block: undefined, refused };
  return { block: blockOf({ ...headerOf(state, taken, maker), kind: 'operations' }, taken), refused };
};

export const buildEpochBlock = (state: LedgerState, maker: Maker): Block => {
  const ended = endEpoch(state, []);
  return blockOf(
    {
      ...headerOf(state, [], maker),
      kind: 'epoch',
      stateRoot: stateRootOf(ended),
      supply: ended.supply,
      keepers: ended.keepers,
    },
    [],
  );
};

/** For header, certificate and framing. */
const headerRoom = 64 * 1024;

const headerOf = (state: LedgerState, operations: readonly ReadOperation[], { creator, time }: Maker) => ({
  v: 1 as const,
  net: state.net,
  height: state.position.height + 1,
  previous: state.position.head,
  creator,
  epoch: state.epoch,
  time,
  operationsRoot: operationsRootOf(operations),
  operations: operations.length,
});
