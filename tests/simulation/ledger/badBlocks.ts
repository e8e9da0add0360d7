import { blockOf, operationsRootOf } from '../../../src/ledger/block.ts';
import { buildEpochBlock } from '../../../src/ledger/build.ts';
import type { Block, BlockHeader, BlockId, LedgerState, ReadOperation } from '../../../src/ledger/types.ts';
import type { SeededRandom } from '../random.ts';

/** What a liar that leads may make of the block it should propose: wrong in one thing, and otherwise as it must be. */
export type Plot = {
  readonly block: Block;
  readonly state: LedgerState;
  readonly seat: number;
  readonly random: SeededRandom;
  /** What Mallory has signed or made up, by the name of the attempt, and of what is wrong in a block only. */
  readonly loot: (attempt?: string) => readonly ReadOperation[];
};

type Worse = (plot: Plot) => Block | undefined;

const inAny: Readonly<Record<string, Worse>> = {
  'another maker': ({ block, state, seat }) =>
    state.keepers.length > 1 ? withHeader(block, { creator: (seat + 1) % state.keepers.length }) : undefined,
  'another epoch': ({ block }) => withHeader(block, { epoch: block.header.epoch + 1 }),
  'another root of operations': ({ block }) =>
    withHeader(block, { operationsRoot: flipped(block.header.operationsRoot) }),
  'another block before it': ({ block }) =>
    withHeader(block, { previous: block.header.net as string as BlockId }),
};

const inEpochs: Readonly<Record<string, Worse>> = {
  'another state': ({ block }) =>
    ending(block, (header) => ({ ...header, stateRoot: flipped(header.stateRoot) })),
  'more money': ({ block }) =>
    ending(block, (header) => ({
      ...header,
      supply: { ...header.supply, minted: header.supply.minted + 1 },
    })),
  'other keepers': ({ block, seat }) =>
    ending(block, (header) => {
      const own = header.keepers[seat];
      return own && { ...header, keepers: header.keepers.map((keeper) => ({ ...keeper, key: own.key })) };
    }),
  'operations in it': ({ block, loot }) => {
    const operations = loot('transfer');
    return operations.length > 0 ? stuffed(block.header, operations) : undefined;
  },
};

const inOperations: Readonly<Record<string, Worse>> = {
  'the end of an epoch, too early': ({ block, state, seat }) =>
    buildEpochBlock(state, { creator: Math.max(0, seat), time: block.header.time + 1 }),
  'one operation twice': ({ block }) => stuffed(block.header, block.operations.slice(0, 1), block.operations),
  // The same bytes under another signature have the same id.
  'another signature': ({ block: { header, operations } }) => {
    const [first, ...others] = operations;
    return first && stuffed(header, [{ ...first, signature: flipped(first.signature) }], others);
  },
  'one that is too old': alone('expired'),
  'the old key after a rotation': alone('rotation'),
  "another's money": alone('forged'),
  "another's account": alone('opening with a false certificate'),
  'nothing at all': ({ block }) => stuffed(block.header, []),
  anything: ({ block, loot, random }) => {
    const extra = loot();
    if (extra.length === 0) return undefined;
    return random.chance(0.5) ? stuffed(block.header, extra) : stuffed(block.header, block.operations, extra);
  },
};

/** One of those that can be made of this block now. */
export const worseBlock = (plot: Plot): Block | undefined => {
  const { block, random } = plot;
  const kinds = { ...inAny, ...(block.header.kind === 'epoch' ? inEpochs : inOperations) };
  const left = Object.values(kinds);
  while (left.length > 0) {
    const [worse] = left.splice(random.int(left.length), 1);
    const made = worse?.(plot);
    if (made) return made;
  }
  return undefined;
};

function alone(attempt: string): Worse {
  return ({ block, loot }) => {
    const operations = loot(attempt);
    return operations.length > 0 ? stuffed(block.header, operations) : undefined;
  };
}

const withHeader = (
  { header, operations }: Block,
  change: Partial<Pick<BlockHeader, 'creator' | 'epoch' | 'operationsRoot' | 'previous'>>,
): Block => blockOf({ ...header, ...change }, operations);

type EpochHeader = Extract<BlockHeader, { kind: 'epoch' }>;
const ending = (
  { header, operations }: Block,
  change: (header: EpochHeader) => EpochHeader | undefined,
): Block | undefined => {
  const changed = header.kind === 'epoch' ? change(header) : undefined;
  return changed && blockOf(changed, operations);
};

const stuffed = (header: BlockHeader, ...lists: readonly (readonly ReadOperation[])[]): Block => {
  const operations = lists.flat();
  return blockOf(
    { ...header, operationsRoot: operationsRootOf(operations), operations: operations.length },
    operations,
  );
};

const flipped = (bytes: Uint8Array): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(bytes, (byte, i) => (i === 5 ? byte ^ 1 : byte));
