import type { Bytes } from '../../../src/core/bytes.ts';
import { toHex } from '../../../src/core/bytes.ts';
import { type CborValue, decodeCbor, encodeCbor } from '../../../src/core/codec.ts';
import { unwrap } from '../../../src/core/result.ts';
import { applyBlock } from '../../../src/ledger/apply.ts';
import { audit } from '../../../src/ledger/audit.ts';
import { blockBytes, blockOf, operationsRootOf, readBlock } from '../../../src/ledger/block.ts';
import { buildEpochBlock, buildOperationsBlock } from '../../../src/ledger/build.ts';
import { operationBytes, readOperation } from '../../../src/ledger/operation.ts';
import { signatureChecksOf } from '../../../src/ledger/signatures.ts';
import { contentOf, stateRootOf } from '../../../src/ledger/stateRoot.ts';
import { treeFromChunks, treeRoot, treeToChunks } from '../../../src/ledger/table/index.ts';
import type { Block, LedgerState, Operation, ReadOperation } from '../../../src/ledger/types.ts';
import type { SeededRandom } from '../../simulation/random.ts';
import type { FuzzTarget } from '../decoders.ts';
import { deepFreeze } from './freeze.ts';
import { damageValue, type Vocabulary } from './values.ts';
import type { Village } from './village.ts';

/**
 * Operations that can be read and say something odd, applied one after the other as blocks. What must hold, whatever comes:
 * nothing throws; each state is sound entry by entry; builder and replica agree on what is refused; a refused operation and
 * everything else leaves all states before as they were (they are frozen, and their root is computed anew); every epoch ends.
 */
export const createWalk = (name: string, village: Village, words: Vocabulary): FuzzTarget => {
  const start = deepFreeze(village.state);
  let state = start;
  let steps = 0;
  const take = (block: Block) => {
    state = deepFreeze(unwrap(applyBlock(state, block)).state);
    unwrap(audit(state));
  };
  const step = (operation: ReadOperation): boolean => {
    unwrap(checksOrRefusal(state, operation));
    const { block, refused } = buildOperationsBlock(state, [operation], maker);
    if (block) take(unwrap(readBlock(blockBytes(block))));
    else if (refused.length !== 1 || applyBlock(state, blockHolding(state, operation)).ok)
      throw new Error('a block with a refused operation was applied');
    return block !== undefined;
  };
  return {
    name,
    valid: village.operations.map(operationBytes),
    damage: (valid, random) => damageOperation(valid, { state, words, random }),
    decode: (bytes) => {
      const read = readOperation({ bytes, signature });
      const taken = read.ok && step(read.value);
      steps++;
      if (steps % stepsPerEpoch === 0) take(buildEpochBlock(state, maker));
      if (steps % stepsPerWalk === 0) {
        const days = steps % (stepsPerWalk * walksPerLongEnd) === 0 ? 26 : 1;
        for (let epoch = 0; epoch < days; epoch++) take(buildEpochBlock(state, maker));
        for (const each of [start, state]) checkRoot(each);
        state = start;
      }
      return taken;
    },
  };
};

const stepsPerEpoch = 24;
const stepsPerWalk = 120;
/** After so many walks the votes and all that waits are waited for. */
const walksPerLongEnd = 4;
const maker = { creator: 0, time: 1_700_000_000_000 };
const signature = new Uint8Array(64);

/** Whoever verifies a block asks for its signatures first: a refusal is an answer, too. */
const checksOrRefusal = (state: LedgerState, operation: ReadOperation) => {
  const checks = signatureChecksOf(state, [operation]);
  return checks.ok ? checks : { ok: true as const, value: [] };
};

const blockHolding = ({ net, position, epoch }: LedgerState, operation: ReadOperation): Block => {
  const place = { net, height: position.height + 1, previous: position.head, creator: 0, epoch };
  const content = { operationsRoot: operationsRootOf([operation]), operations: 1 };
  return blockOf({ v: 1, kind: 'operations', time: 0, ...place, ...content }, [operation]);
};

/** By way of bytes, so that nothing that is kept is asked. */
const checkRoot = (state: LedgerState): void => {
  const anew = treeRoot(unwrap(treeFromChunks(unwrap(treeToChunks(contentOf(state))))));
  if (toHex(anew) !== toHex(stateRootOf(state))) throw new Error('a state was changed after it was made');
};

type Scene = { readonly state: LedgerState; readonly words: Vocabulary; readonly random: SeededRandom };

/** Mostly the body; the envelope fits the state, or nothing else would be looked at. */
const damageOperation = (valid: Bytes, { state, words, random }: Scene): Bytes => {
  const operation = unwrap(decodeCbor(valid)) as unknown as Operation;
  const accounts = [...state.accounts.keys()];
  const account = random.chance(0.1) ? random.pick(accounts) : operation.account;
  const seq = (state.accounts.get(account)?.seq ?? 0) + 1;
  let body = operation.body as unknown as CborValue;
  const changes = random.int(3);
  for (let done = 0; done < changes; done++) body = damageValue(body, words, random);
  const whole = { ...operation, account, seq, validUntil: state.epoch, body } as unknown as CborValue;
  return encodeCbor(random.chance(0.05) ? damageValue(whole, words, random) : whole);
};
