import type { AccountId } from '../../../src/core/brand.ts';
import { type Bytes, toHex } from '../../../src/core/bytes.ts';
import { type ParameterName, type Parameters, parameterTable } from '../../../src/ledger/parameters.ts';
import {
  createPerson,
  createTestGenesis,
  createTestKeeper,
  type Person,
} from '../../../src/ledger/testDoubles.ts';
import type { Genesis, Keeper } from '../../../src/ledger/types.ts';
import type { SeededRandom } from '../random.ts';

/** A swarm as a history begins with it, and names for what is bytes. */
export type Setup = {
  readonly genesis: Genesis;
  readonly folk: readonly Person[];
  readonly people: readonly AccountId[];
  readonly host: AccountId;
  readonly treasury: number;
  readonly parameters: Parameters;
  readonly keepers: readonly string[];
  /** Those at genesis and those who may come. */
  readonly candidates: readonly Keeper[];
  allocation(who: AccountId): number;
  bounds(name: string): { readonly least: number; readonly most: number };
  initial(name: string): number;
  nameOfKey(key: Uint8Array): string;
  epochOfRoot(root: Uint8Array): number;
  textOf(value: unknown): string;
};

const folk = Array.from({ length: 6 }, (_, i) => createPerson(`person ${i}`));
const candidates = Array.from({ length: 8 }, (_, i) => createTestKeeper(`${i}`).keeper);
const nameByKey = new Map(candidates.map(({ key, name }) => [toHex(key), name]));

/** Amounts are small, so that sums meet limits exactly now and then. */
export const planSetup = (random: SeededRandom): Setup => {
  const [first] = folk;
  if (!first) throw new RangeError('nobody is there');
  const holders = folk.slice(0, 3 + random.int(4));
  const amounts = new Map(
    holders.map(({ id }) => [id, random.pick([0, 100, 100, 200, 300, random.int(1_000)])]),
  );
  const base = createTestGenesis({
    keepers: 0,
    host: first.id,
    treasury: random.pick([0, 40, 1_000, 100_000]),
    allocations: holders.map(({ id }) => ({ account: id, amount: amounts.get(id) ?? 0 })),
    parameters: {
      epochSeconds: random.pick([86_400, 43_200, 43_200, 28_800]),
      transferFee: random.pick([0, 1, 2]),
      draftDays: random.pick([0, 1, 2]),
      votingDays: 1 + random.int(3),
      extensionDays: random.int(3),
      timelockDays: random.pick([0, 1, 2, 3]),
      quorumPermille: random.pick([100, 333, 510, 900]),
      proposalDeposit: random.pick([0, 1, 10]),
      hostUntilPower: random.pick([0, 0, 0, 500, 5_000]),
    },
  });
  const genesis = { ...base, keepers: candidates.slice(0, random.pick([1, 1, 4])) };
  return {
    genesis,
    folk: holders,
    people: holders.map(({ id }) => id),
    host: first.id,
    treasury: genesis.treasury,
    parameters: genesis.parameters,
    keepers: genesis.keepers.map(({ name }) => name),
    candidates,
    allocation: (who) => amounts.get(who) ?? 0,
    bounds: (name) => parameterTable[name as ParameterName],
    initial: (name) => parameterTable[name as ParameterName].initial,
    nameOfKey: (key) => nameByKey.get(toHex(key)) ?? toHex(key),
    epochOfRoot,
    textOf: (value) =>
      JSON.stringify(value, (_, member: unknown) => (member instanceof Uint8Array ? toHex(member) : member)),
  };
};

/** Stands for the state root of the epoch block before `epoch`: histories make no blocks, so they have no real ones. */
export const rootBefore = (epoch: number): Bytes => {
  const root = new Uint8Array(32);
  new DataView(root.buffer).setUint32(0, epoch);
  return root;
};
const epochOfRoot = (root: Uint8Array): number => new DataView(root.buffer, root.byteOffset).getUint32(0);
