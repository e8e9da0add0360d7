import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import type { Bytes } from '../../src/core/bytes.ts';
import { sha256Bytes } from '../../src/core/hash.ts';
import { unwrap } from '../../src/core/result.ts';
import { accountIdOf } from '../../src/identity/ids.ts';
import {
  applyBlock,
  buildEpochBlock,
  buildOperationsBlock,
  certifiedBlockBytes,
  consensusBytes,
  initialState,
  type KeeperSigner,
  quorumOf,
} from '../../src/ledger/index.ts';
import { initialParameters } from '../../src/ledger/parameters.ts';
import { openBodyOf, operationOf, type Person } from '../../src/ledger/testDoubles.ts';
import type { Block, Genesis, LedgerState, ReadOperation } from '../../src/ledger/types.ts';

/** DER of an Ed25519 PKCS #8 key up to its seed (RFC 8410 §7), and of a public key up to its bytes. */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');
const spkiLength = 12;

/** Real Ed25519: what a replica checks here costs what it costs anywhere. */
export const createSigner = (name: string): KeeperSigner => {
  const seed = sha256Bytes(new TextEncoder().encode(`bench ledger ${name}`));
  const key = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, seed]), format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  return {
    publicKey: new Uint8Array(spki.subarray(spkiLength)),
    sign: (message) => new Uint8Array(sign(null, message, key)),
  };
};

export const createPerson = (name: string): Person => {
  const recovery = createSigner(`${name}, recovery`);
  return { id: accountIdOf(recovery.publicKey), recovery, device: createSigner(`${name}, device`) };
};

export type History = {
  readonly genesis: Genesis;
  /** Certified blocks as they travel, from height 1. */
  readonly blocks: readonly Bytes[];
  readonly operations: number;
  readonly state: LedgerState;
};

const vcoin = 1_000_000;

/** A swarm's past: accounts are opened, then pay each other in blocks of a hundred; an epoch ends after every sixty blocks. */
export const makeHistory = ({
  operations,
  accounts,
  keepers: count,
}: {
  readonly operations: number;
  readonly accounts: number;
  readonly keepers: number;
}): History => {
  const people = Array.from({ length: accounts }, (_, index) => createPerson(`person ${index}`));
  const signers = Array.from({ length: count }, (_, seat) => createSigner(`keeper ${seat}`));
  const genesis = genesisOf(people, signers);
  const blocks: Bytes[] = [];
  let state = initialState(genesis);
  let done = 0;
  const take = (block: Block | undefined) => {
    if (!block) throw new Error('a block of the history holds nothing');
    state = unwrap(applyBlock(state, block)).state;
    blocks.push(certifiedBlockBytes({ block, certificate: certify(block, signers) }));
    done += block.operations.length;
  };
  const maker = () => ({ creator: state.position.height % count, time: state.position.time + 1_000 });
  while (done < operations) {
    const batch = nextBatch(state, people, Math.min(perBlock, operations - done), done);
    take(buildOperationsBlock(state, batch, maker()).block);
    if (blocks.length % blocksPerEpoch === 0) take(buildEpochBlock(state, maker()));
  }
  return { genesis, blocks, operations: done, state };
};

const perBlock = 100;
const blocksPerEpoch = 60;

/** Each account acts once in a batch, so that its number is the one after the state's. */
const nextBatch = (
  state: LedgerState,
  people: readonly Person[],
  size: number,
  from: number,
): readonly ReadOperation[] =>
  Array.from({ length: Math.min(size, people.length) }, (_, index) => {
    const person = people[(from + index) % people.length];
    const other = people[(from + index * 7 + 1) % people.length];
    if (!person || !other) throw new Error('there is nobody');
    if (!state.accounts.get(person.id)?.key)
      return operationOf(state, person.device, {
        account: person.id,
        kind: 'open',
        body: openBodyOf(person),
      });
    const to =
      other.id === person.id ? (people[(from + index + 1) % people.length]?.id ?? other.id) : other.id;
    return operationOf(state, person.device, {
      account: person.id,
      kind: 'transfer',
      body: { to, amount: 1 + ((from + index) % 1_000) },
    });
  });

const certify = (block: Block, signers: readonly KeeperSigner[]) => {
  const { net, height } = block.header;
  const message = consensusBytes({ net, type: 'precommit', height, round: 0, value: block.id });
  const voters = signers.slice(0, quorumOf(signers.length));
  return {
    round: 0,
    precommits: voters.map((signer, voter) => ({ voter, signature: signer.sign(message) })),
  };
};

const genesisOf = (people: readonly Person[], signers: readonly KeeperSigner[]): Genesis => ({
  v: 1,
  name: 'bench',
  time: 1_700_000_000_000,
  keepers: signers.map(({ publicKey }, seat) => ({
    name: `keeper ${seat}`,
    key: publicKey,
    url: `wss://keeper-${seat}.example/ledger`,
    worker: createPerson(`worker ${seat}`).id,
    beacon: sha256Bytes(publicKey),
  })),
  host: createPerson('host').id,
  treasury: 1_000_000 * vcoin,
  allocations: people.map(({ id }) => ({ account: id, amount: 1_000 * vcoin })),
  parameters: initialParameters(),
  prices: { ocr: 250 * vcoin },
});
