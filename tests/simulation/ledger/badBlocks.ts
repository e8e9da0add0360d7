import { applyOperation, endEpoch } from '../../../src/ledger/apply.ts';
import { blockOf, operationsRootOf } from '../../../src/ledger/block.ts';
import { buildEpochBlock } from '../../../src/ledger/build.ts';
import { stateRootOf } from '../../../src/ledger/stateRoot.ts';
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

const makers = {
  'another maker': ({ block, state, seat }) =>
    state.keepers.length > 1 ? withHeader(block, { creator: (seat + 1) % state.keepers.length }) : undefined,
  'another epoch': ({ block }) => withHeader(block, { epoch: block.header.epoch + 1 }),
  'another root of operations': ({ block }) =>
    withHeader(block, { operationsRoot: flipped(block.header.operationsRoot) }),
  'another block before it': ({ block }) =>
    withHeader(block, { previous: block.header.net as string as BlockId }),
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
  'operations in the end of an epoch': ({ block: { header }, state, loot }) => {
    const operations = loot('transfer');
    if (header.kind !== 'epoch') return undefined;
    const draft = { ...state };
    for (const operation of operations) if (!applyOperation(draft, operation, []).ok) return undefined;
    const ended = endEpoch(draft, []);
    const { supply, keepers } = ended;
    return stuffed({ ...header, stateRoot: stateRootOf(ended), supply, keepers }, operations);
  },
  'the end of an epoch, too early': ({ block: { header }, state, seat }) =>
    header.kind === 'epoch'
      ? undefined
      : buildEpochBlock(state, { creator: Math.max(0, seat), time: header.time + 1 }),
  'one operation twice': holding(({ block }) => [...block.operations.slice(0, 1), ...block.operations]),
  // The same bytes under another signature have the same id.
  'another signature': holding(({ block: { operations } }) =>
    operations.map((read, index) => (index === 0 ? { ...read, signature: flipped(read.signature) } : read)),
  ),
  'one that is too old': holding(({ loot }) => loot('expired')),
  'the old key after a rotation': holding(({ loot }) => loot('rotation')),
  "another's money": holding(({ loot }) => loot('forged')),
  "another's account": holding(({ loot }) => loot('opening with a false certificate')),
  'nothing at all': ({ block: { header } }) => (header.kind === 'epoch' ? undefined : stuffed(header, [])),
  anything: holding(({ block, loot, random }) => [
    ...(random.chance(0.5) ? [] : block.operations),
    ...loot(),
  ]),
} satisfies Readonly<Record<string, Worse>>;

export type BadBlock = keyof typeof makers;
export const badBlocks = Object.keys(makers) as readonly BadBlock[];

/** Undefined where it can't be made of this block now. */
export const makeBadBlock = (name: BadBlock, plot: Plot): Block | undefined => makers[name](plot);

/** Operations of the liar's choice; they can't stand in the end of an epoch. */
function holding(choose: (plot: Plot) => readonly ReadOperation[]): Worse {
  return (plot) => {
    const { header } = plot.block;
    const operations = header.kind === 'epoch' ? [] : choose(plot);
    return operations.length > 0 ? stuffed(header, operations) : undefined;
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

const stuffed = (header: BlockHeader, operations: readonly ReadOperation[]): Block =>
  blockOf(
    { ...header, operationsRoot: operationsRootOf(operations), operations: operations.length },
    operations,
  );

const flipped = (bytes: Uint8Array): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(bytes, (byte, i) => (i === 5 ? byte ^ 1 : byte));
