import { concatBytes, equalBytes, utf8 } from '../core/bytes.ts';
import { encodeCbor } from '../core/codec.ts';
import { sha256Bytes } from '../core/hash.ts';
import { err, fault, ok, type Result } from '../core/result.ts';
import { checkConservation } from './audit.ts';
import { type BlockFault, holdsItsOperations } from './block.ts';
import { stateRootOf } from './stateRoot.ts';
import { core } from './transition/core/index.ts';
import type { Draft, OperationFault, Transition } from './transition/module.ts';
import { modules } from './transition/modules.ts';
import { accountOf } from './transition/purse.ts';
import type { Block, BlockHeader, LedgerEvent, LedgerState, OperationKind, ReadOperation } from './types.ts';

export type Applied = { readonly state: LedgerState; readonly events: readonly LedgerEvent[] };

/** How many epochs after the present one an operation may wait to be ordered. */
export const validEpochs = 6;

/**
 * The one transition of the ledger, the same in keeper, tab and simulator. Pure and synchronous. Refuses the whole block if
 * anything in it is wrong, so inclusion means success. Doesn't check signatures (`signatures.ts`) nor who agreed
 * (`certificate.ts`): whoever takes a block from elsewhere does both.
 */
export const applyBlock = (state: LedgerState, block: Block): Result<Applied, BlockFault> => {
  const { header } = block;
  const follows = checkPlace(state, block);
  if (!follows.ok) return follows;
  const events: LedgerEvent[] = [];
  let draft: Draft = { ...state };
  for (const [index, read] of block.operations.entries()) {
    const applied = applyOperation(draft, read, events);
    if (!applied.ok) return refuse(`operation ${index} (${read.id}): ${applied.error.message}`);
  }
  if (header.kind === 'epoch') {
    draft = endEpoch(draft, events);
    const told = checkOutcome(header, draft);
    if (!told.ok) return told;
  }
  draft.position = positionAfter(state, block);
  const conserved = checkConservation(draft);
  return conserved.ok ? ok({ state: draft, events }) : refuse(conserved.error.message);
};

/** Where the log stands once the block is in it. */
export const positionAfter = (
  { position }: Pick<LedgerState, 'position'>,
  { id, header }: Pick<Block, 'id' | 'header'>,
): LedgerState['position'] => ({
  height: header.height,
  head: id,
  creator: header.creator,
  time: header.time,
  stateRoot: header.kind === 'epoch' ? header.stateRoot : position.stateRoot,
});

/** Changes the draft; one that was refused is to be dropped. Its signature is checked elsewhere. */
export const applyOperation = (
  draft: Draft,
  { id, operation }: ReadOperation,
  events: LedgerEvent[],
): Result<void, OperationFault> => {
  const due = checkEnvelope(draft, operation);
  if (!due.ok) return due;
  const transition = transitions[operation.kind] as Transition<unknown>;
  const done = transition(draft, operation.body, {
    account: operation.account,
    id,
    emit: (event) => void events.push({ ...event, operation: id }),
  });
  if (!done.ok) return done;
  const account = accountOf(draft, operation.account);
  draft.accounts = draft.accounts.set(operation.account, {
    ...account,
    seq: operation.seq,
    active: draft.epoch,
  });
  return ok(undefined);
};

/** Runs the epoch functions over a state whose last epoch ends, and begins the next. */
export const endEpoch = (state: LedgerState, events: LedgerEvent[]): Draft => {
  const draft: Draft = { ...state };
  const context = {
    epoch: draft.epoch,
    randomness: randomnessOf(draft),
    emit: (event: Omit<LedgerEvent, 'operation'>) => void events.push({ ...event, operation: undefined }),
  };
  modules.mint.endEpoch(draft, context);
  modules.market.endEpoch(draft, context);
  modules.governance.endEpoch(draft, context);
  draft.keepers = draft.nextKeepers.map((keeper) => ({
    ...keeper,
    beacon: revealOf(draft, keeper.key) ?? keeper.beacon,
  }));
  draft.nextKeepers = draft.keepers;
  draft.reveals = {};
  draft.epoch += 1;
  return draft;
};

const transitions: { readonly [Kind in OperationKind]: unknown } = {
  ...core.transitions,
  ...modules.market.transitions,
  ...modules.mint.transitions,
  ...modules.governance.transitions,
};

const checkPlace = (state: LedgerState, block: Block): Result<void, BlockFault> => {
  const { header, operations } = block;
  const { position } = state;
  if (header.net !== state.net) return refuse('it is of another swarm');
  if (header.height !== position.height + 1)
    return refuse(`it is of height ${header.height}, after ${position.height} comes ${position.height + 1}`);
  if (header.previous !== position.head) return refuse('it follows another block than the last');
  if (header.epoch !== state.epoch)
    return refuse(`it is of epoch ${header.epoch}, the present one is ${state.epoch}`);
  if (header.creator >= state.keepers.length) return refuse(`there is no keeper ${header.creator}`);
  if (header.kind === 'epoch' && operations.length > 0) return refuse('an epoch block holds operations');
  if (header.kind === 'operations' && operations.length === 0) return refuse('it holds nothing');
  if (!holdsItsOperations(block)) return refuse('its operations are not those of its header');
  return ok(undefined);
};

const checkEnvelope = (
  state: LedgerState,
  { net, account: id, seq, validUntil, kind }: ReadOperation['operation'],
): Result<void, OperationFault> => {
  const refused = (message: string) => err(fault('operation', message));
  if (net !== state.net) return refused('it is of another swarm');
  const account = accountOf(state, id);
  if (!account.key && kind !== 'open') return refused('its account was never opened here');
  if (seq !== account.seq + 1)
    return refused(`its number is ${seq}, the account's next is ${account.seq + 1}`);
  if (validUntil < state.epoch) return refused(`it ended with epoch ${validUntil}, this is ${state.epoch}`);
  if (validUntil > state.epoch + validEpochs)
    return refused(`it is valid for more than ${validEpochs} epochs`);
  return ok(undefined);
};

const checkOutcome = (
  header: Extract<BlockHeader, { kind: 'epoch' }>,
  state: LedgerState,
): Result<void, BlockFault> => {
  if (header.supply.minted !== state.supply.minted || header.supply.burned !== state.supply.burned)
    return refuse('it tells another supply than its epoch ends with');
  if (!equalBytes(encodeCbor(header.keepers), encodeCbor(state.keepers)))
    return refuse('it names other keepers than its epoch ends with');
  if (!equalBytes(header.stateRoot, stateRootOf(state)))
    return refuse('its state root is not that of the state its epoch ends with');
  return ok(undefined);
};

const revealOf = ({ keepers, reveals }: LedgerState, key: Uint8Array) => {
  const seat = keepers.findIndex((keeper) => equalBytes(keeper.key, key));
  return reveals[seat];
};

/**
 * From what the keepers revealed in this epoch, each the next of a chain it committed to. Whoever reveals last can withhold:
 * a choice between two outcomes. If nobody reveals, the last block decides, and its creator could have chosen it.
 */
const randomnessOf = ({ net, epoch, keepers, reveals, position }: LedgerState) => {
  const parts = keepers.flatMap((_, seat) => {
    const reveal = reveals[seat];
    return reveal ? [Uint8Array.of(seat), reveal] : [];
  });
  const source = parts.length > 0 ? concatBytes(...parts) : utf8(position.head);
  return sha256Bytes(concatBytes(utf8(`vc1.random/${net}/${epoch}/`), source));
};

const refuse = (message: string) => err(fault('block', message));
