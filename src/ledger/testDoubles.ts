import type { AccountId } from '../core/brand.ts';
import { type Bytes, concatBytes, equalBytes, utf8 } from '../core/bytes.ts';
import { sha256Bytes } from '../core/hash.ts';
import type { CryptoPort } from '../core/ports/crypto.ts';
import { type Result, unwrap } from '../core/result.ts';
import { deviceCertificateBytes } from '../identity/certificates.ts';
import { accountIdOf } from '../identity/ids.ts';
import { type Applied, applyBlock, validEpochs } from './apply.ts';
import { audit } from './audit.ts';
import type { BlockFault } from './block.ts';
import { buildEpochBlock, buildOperationsBlock } from './build.ts';
import { initialState } from './genesis.ts';
import type { KeeperSigner } from './keeper/types.ts';
import { operationBytes, operationIdOf, operationMessage } from './operation.ts';
import { initialParameters, type Parameters } from './parameters.ts';
import { accountOf } from './transition/purse.ts';
import type {
  Genesis,
  Keeper,
  LedgerEvent,
  LedgerState,
  Operation,
  OperationBodies,
  OperationKind,
  ReadOperation,
} from './types.ts';

/**
 * Keys for tests and simulations: a signature is a hash over the key and the message, and whoever knows the public key can
 * forge it, so a test forges by intent only. Fast, synchronous, deterministic.
 */
export const createTestSigner = (name: string): KeeperSigner => {
  const publicKey = sha256Bytes(utf8(`key of ${name}`));
  return { publicKey, sign: (message) => testSignature(publicKey, message) };
};

const testSignature = (publicKey: Uint8Array, message: Uint8Array): Bytes => {
  const half = sha256Bytes(concatBytes(publicKey, message));
  return concatBytes(half, half);
};

export const testVerify = (key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean =>
  equalBytes(testSignature(key, message), signature);

export const testCrypto: Pick<CryptoPort, 'verify'> = {
  verify: async (key, message, signature) => testVerify(key, message, signature),
};

export type Person = {
  readonly id: AccountId;
  readonly recovery: KeeperSigner;
  readonly device: KeeperSigner;
};

export const createPerson = (name: string): Person => {
  const recovery = createTestSigner(`${name}'s recovery`);
  return { id: accountIdOf(recovery.publicKey), recovery, device: createTestSigner(`${name}'s device`) };
};

export const openBodyOf = ({ recovery, device }: Person): OperationBodies['open'] => {
  const body = { recoveryKey: recovery.publicKey, deviceKey: device.publicKey, issuedAt: 0 };
  return { ...body, signature: recovery.sign(deviceCertificateBytes(body)) };
};

/** Beacons of a keeper in the order in which they are revealed; the keeper's first `beacon` is the hash of the first. */
export const beaconChain = (name: string, length: number): readonly Bytes[] => {
  const chain = [sha256Bytes(utf8(`beacon of ${name}`))];
  while (chain.length < length) chain.unshift(sha256Bytes(chain[0] ?? new Uint8Array()));
  return chain;
};

export const createTestKeeper = (name: string): { keeper: Keeper; signer: KeeperSigner; person: Person } => {
  const signer = createTestSigner(`keeper ${name}`);
  const person = createPerson(`worker of ${name}`);
  const beacon = sha256Bytes(beaconChain(name, 64)[0] ?? new Uint8Array());
  return { signer, person, keeper: { name, key: signer.publicKey, url: '', worker: person.id, beacon } };
};

export const createTestGenesis = (given: {
  readonly keepers?: number;
  readonly allocations?: Genesis['allocations'];
  readonly treasury?: number;
  readonly host?: AccountId;
  readonly parameters?: Partial<Parameters>;
}): Genesis => ({
  v: 1,
  name: 'test',
  time: 1_700_000_000_000,
  keepers: Array.from({ length: given.keepers ?? 1 }, (_, seat) => createTestKeeper(`${seat}`).keeper),
  host: given.host ?? createPerson('host').id,
  treasury: given.treasury ?? 1_000_000_000_000,
  allocations: given.allocations ?? [],
  parameters: { ...initialParameters(), ...given.parameters },
  prices: { ocr: 250_000_000 },
});

export const operationOf = <Kind extends OperationKind>(
  state: LedgerState,
  signer: KeeperSigner,
  content: {
    readonly account: AccountId;
    readonly kind: Kind;
    readonly body: OperationBodies[Kind];
    readonly seq?: number;
    readonly validUntil?: number;
  },
): ReadOperation => {
  const { account, kind, body } = content;
  const operation = {
    net: state.net,
    account,
    seq: content.seq ?? accountOf(state, account).seq + 1,
    validUntil: content.validUntil ?? state.epoch + validEpochs,
    kind,
    body,
  } as unknown as Operation;
  const bytes = operationBytes(operation);
  return { bytes, signature: signer.sign(operationMessage(bytes)), id: operationIdOf(bytes), operation };
};

/**
 * A ledger in one hand, for tests of transitions: every operation is a block of its own, built and applied as a keeper
 * would, and audited after each.
 */
export interface TestLedger {
  readonly state: LedgerState;
  readonly events: readonly LedgerEvent[];
  /** Opens accounts that are not open yet. */
  open(...people: readonly Person[]): void;
  /** The reason, if the operation was refused; nothing has happened then. */
  act<Kind extends OperationKind>(
    person: Person,
    kind: Kind,
    body: OperationBodies[Kind],
  ): string | undefined;
  /** Ends epochs by epoch blocks. */
  endEpochs(count?: number): void;
  balance(person: Person): number;
}

export const createTestLedger = (genesis: Genesis): TestLedger => {
  let state = initialState(genesis);
  const events: LedgerEvent[] = [];
  const take = (applied: Result<Applied, BlockFault>) => {
    const { state: next, events: happened } = unwrap(applied);
    unwrap(audit(next));
    state = next;
    events.push(...happened);
  };
  const maker = () => ({ creator: 0, time: state.position.time + 1 });
  const act: TestLedger['act'] = (person, kind, body) => {
    const operation = operationOf(state, person.device, { account: person.id, kind, body });
    const { block, refused } = buildOperationsBlock(state, [operation], maker());
    if (!block) return refused[0]?.reason ?? 'no block';
    take(applyBlock(state, block));
    return undefined;
  };
  return {
    get state() {
      return state;
    },
    events,
    open(...people) {
      for (const person of people) {
        if (!accountOf(state, person.id).key) act(person, 'open', openBodyOf(person));
      }
    },
    act,
    endEpochs(count = 1) {
      for (let i = 0; i < count; i++) take(applyBlock(state, buildEpochBlock(state, maker())));
    },
    balance: (person) => accountOf(state, person.id).balance,
  };
};
