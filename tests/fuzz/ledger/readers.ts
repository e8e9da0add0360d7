import * as v from 'valibot';
import { type Bytes, equalBytes, utf8 } from '../../../src/core/bytes.ts';
import { type CborValue, decodeCbor, encodeCbor } from '../../../src/core/codec.ts';
import { type Result, unwrap } from '../../../src/core/result.ts';
import { decodeWith } from '../../../src/core/schema.ts';
import { formatAmount, parseAmount } from '../../../src/ledger/amounts.ts';
import { blockBytes, certifiedBlockBytes, readBlock, readCertifiedBlock } from '../../../src/ledger/block.ts';
import { buildEpochBlock, buildOperationsBlock } from '../../../src/ledger/build.ts';
import { genesisBytes } from '../../../src/ledger/genesis.ts';
import { consensusBytes, contradictionOf, readConsensusMessage } from '../../../src/ledger/messages.ts';
import { operationBytes, operationIdOf, readOperation } from '../../../src/ledger/operation.ts';
import { encodeLedgerMessage, readFromKeeper, readToKeeper } from '../../../src/ledger/protocol.ts';
import { readGenesis } from '../../../src/ledger/readGenesis.ts';
import { forkProofBytes, readFork, readForkProof } from '../../../src/ledger/replica/forkProof.ts';
import {
  tableProofSchema,
  treeFromChunks,
  treeRoot,
  treeToChunks,
  verifyTableProof,
} from '../../../src/ledger/table/index.ts';
import { createPerson, createTestGenesis } from '../../../src/ledger/testDoubles.ts';
import { readReceipt } from '../../../src/ledger/transition/market/receipts.ts';
import { signedReceiptOf } from '../../../src/ledger/transition/market/testDoubles.ts';
import type { BlockId, Operation, OperationId } from '../../../src/ledger/types.ts';
import type { FuzzTarget } from '../decoders.ts';
import { mutate } from '../mutate.ts';
import { damageMessage, type Vocabulary } from './values.ts';
import type { Village } from './village.ts';

/**
 * What the ledger reads of strangers. Half of the messages are damaged as bytes, half in what they say. What is accepted must
 * be written as it came: one operation, block or message has one form, or its id would name two.
 */
export const ledgerReaders = (village: Village, words: Vocabulary): readonly FuzzTarget[] =>
  [...ofBlocks(village), ...ofKeepers(village), ...ofProofs(village), ...ofTexts()].map((target) => ({
    damage: (valid, random) =>
      random.chance(0.5) ? damageMessage(valid, words, random) : mutate(valid, random),
    ...target,
  }));

const signature = new Uint8Array(64).fill(7);
const maker = { creator: 0, time: 1_700_000_000_000 };

const signed = (operation: Operation) => {
  const bytes = operationBytes(operation);
  return { operation, bytes, signature, id: operationIdOf(bytes) };
};

const blocksOf = (village: Village) => {
  const { state } = village;
  const { block } = buildOperationsBlock(state, village.operations.slice(0, 12).map(signed), maker);
  if (!block) throw new Error('a village takes its own operations');
  return [block, buildEpochBlock(state, maker)];
};

const ofBlocks = (village: Village): readonly FuzzTarget[] => {
  const blocks = blocksOf(village);
  const certificate = {
    round: 1,
    precommits: [0, 1, 2].map((voter) => ({ voter, signature })),
  };
  const [ours = utf8(''), theirs = ours] = blocks.map((block) => certifiedBlockBytes({ block, certificate }));
  const fork = { ours, theirs };
  return [
    {
      name: 'ledger: operations',
      valid: village.operations.map(operationBytes),
      decode: (bytes) =>
        same(readOperation({ bytes, signature }), bytes, ({ operation }) => operationBytes(operation)),
    },
    {
      name: 'ledger: blocks',
      valid: blocks.map(blockBytes),
      decode: (bytes) => same(readBlock(bytes), bytes, blockBytes),
    },
    {
      name: 'ledger: certified blocks',
      valid: blocks.map((block) => certifiedBlockBytes({ block, certificate })),
      decode: (bytes) => same(readCertifiedBlock(bytes), bytes, certifiedBlockBytes),
    },
    {
      name: 'ledger: proofs of forks',
      valid: [forkProofBytes(fork)],
      decode(bytes) {
        const proof = readForkProof(bytes);
        if (proof.ok) readFork(proof.value);
        return same(proof, bytes, forkProofBytes);
      },
    },
    {
      name: 'ledger: beginnings',
      valid: [genesisBytes(createTestGenesis({}))],
      decode: (bytes) => same(readGenesis(bytes), bytes, genesisBytes),
    },
  ];
};

const ofKeepers = (village: Village): readonly FuzzTarget[] => {
  const { net, position } = village.state;
  const { head, height } = position;
  const at = { net, height, round: 2 };
  const [first, second, proposal] = [
    consensusBytes({ ...at, type: 'precommit', value: head }),
    consensusBytes({ ...at, type: 'precommit', value: null }),
    consensusBytes({ ...at, type: 'proposal', value: head, validRound: -1 }),
  ];
  const other = consensusBytes({ ...at, type: 'proposal', value: net as string as BlockId, validRound: 1 });
  const bytes = utf8('a block');
  const id = head as string as OperationId;
  return [
    {
      name: 'ledger: to a keeper',
      valid: [
        encodeLedgerMessage({ t: 'hello', v: 1, net, height }),
        encodeLedgerMessage({ t: 'submit', bytes, signature }),
        encodeLedgerMessage({ t: 'get', after: height, count: 7 }),
        encodeLedgerMessage({ t: 'snapshot', part: 3 }),
        encodeLedgerMessage({ t: 'agree', seat: 2, bytes: proposal, signature, block: bytes }),
        encodeLedgerMessage({ t: 'agree', seat: 2, bytes: first, signature }),
        encodeLedgerMessage({ t: 'want', block: head }),
      ],
      decode: (message) => same(readToKeeper(message), message, encodeLedgerMessage),
    },
    {
      name: 'ledger: from a keeper',
      valid: [
        encodeLedgerMessage({ t: 'status', v: 1, net, height, head, epoch: 4, earliest: 1 }),
        encodeLedgerMessage({ t: 'block', bytes }),
        encodeLedgerMessage({ t: 'blocks', after: 3, blocks: [bytes, bytes], height }),
        encodeLedgerMessage({ t: 'submitted', id, state: 'final', height }),
        encodeLedgerMessage({ t: 'submitted', id, state: 'refused', reason: 'no' }),
        encodeLedgerMessage({ t: 'snapshot', height, block: bytes, part: 0, of: 2, bytes }),
        encodeLedgerMessage({ t: 'refused', reason: 'slower' }),
      ],
      decode: (message) => same(readFromKeeper(message), message, encodeLedgerMessage),
    },
    {
      name: 'ledger: votes',
      valid: [first, second, proposal],
      decode: (message) => same(readConsensusMessage(message), message, consensusBytes),
    },
    {
      name: 'ledger: contradictions',
      valid: [encodeCbor([first, second]), encodeCbor([proposal, other])],
      decode: (message) => {
        const pair = decodeWith(v.strictTuple([v.instance(Uint8Array), v.instance(Uint8Array)]), message);
        return pair.ok && contradictionOf(net, ...pair.value).ok;
      },
    },
  ];
};

const claimSchema = v.strictObject({
  key: v.string(),
  value: v.nullable(v.instance(Uint8Array)),
  proof: tableProofSchema,
});

const ofProofs = ({ state, people }: Village): readonly FuzzTarget[] => {
  const { accounts } = state;
  const root = accounts.root();
  const entryOf = (key: string) => {
    const account = accounts.get(key);
    return account ? encodeCbor(account as unknown as CborValue) : null;
  };
  const keys = [
    ...people.map(({ id }) => id),
    ...['nobody', 'else'].map((name) => createPerson(name).id),
    'x',
  ];
  const tree = {
    small: { balances: 5, list: [1, { a: 2 }] },
    keepers: state.keepers,
    offers: state.market.offers,
  };
  return [
    {
      name: 'ledger: proofs',
      valid: keys.map((key) => encodeCbor({ key, value: entryOf(key), proof: accounts.prove(key) })),
      // A proof that holds tells the truth, whatever was made of it.
      decode: (bytes) => {
        const claim = decodeWith(claimSchema, bytes);
        if (!claim.ok) return false;
        const { key, value, proof } = claim.value;
        if (!verifyTableProof(root, key, value ?? undefined, proof)) return false;
        const known = entryOf(key);
        if (known ? !value || !equalBytes(known, value) : value)
          throw new Error(`a lie over ${key} is proven`);
        return true;
      },
    },
    {
      name: 'ledger: snapshots',
      valid: [encodeCbor(unwrap(treeToChunks(tree, 1_000)))],
      // What was accepted is a state: it has a root, and can be told again.
      decode: (bytes) => {
        const chunks = decodeCbor(bytes);
        if (!chunks.ok || !Array.isArray(chunks.value)) return false;
        const read = treeFromChunks(chunks.value.filter((chunk) => chunk instanceof Uint8Array));
        if (!read.ok) return false;
        const again = unwrap(treeFromChunks(unwrap(treeToChunks(read.value))));
        if (!equalBytes(treeRoot(again), treeRoot(read.value)))
          throw new Error('it is told as another state');
        return true;
      },
    },
  ];
};

const ofTexts = (): readonly FuzzTarget[] => {
  const [requester, worker] = [createPerson('ana'), createPerson('ben')];
  return [
    {
      name: 'ledger: receipts',
      valid: [signedReceiptOf({ requester, worker, job: 'j', unit: 'u', cost: 5 }).body],
      decode: (bytes) => readReceipt(bytes).ok,
    },
    {
      name: 'ledger: amounts',
      valid: ['12', '0.5', '1 000.25', '9007199254.740991', '1,5', '1\u202f000'].map(utf8),
      decode: (bytes) => {
        const read = parseAmount(new TextDecoder().decode(bytes));
        if (read.ok && unwrap(parseAmount(formatAmount(read.value))) !== read.value)
          throw new Error(`${read.value} is read as another amount`);
        return read.ok;
      },
    },
  ];
};

/** Whether it was accepted. Throws if what was read is not what stands there. */
const same = <T>(read: Result<T, unknown>, bytes: Bytes, write: (value: T) => Bytes): boolean => {
  if (read.ok && !equalBytes(write(read.value), bytes))
    throw new Error('it would be written in another form');
  return read.ok;
};
