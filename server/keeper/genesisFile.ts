import { readFile, stat } from 'node:fs/promises';
import * as v from 'valibot';
import { err, type Fault, fault, ok, type Result } from '../../src/core/result.ts';
import { countSchema, decodeWith } from '../../src/core/schema.ts';
import { isAmount } from '../../src/ledger/amounts.ts';
import { blockLimits, keeperSchema } from '../../src/ledger/block.ts';
import {
  initialParameters,
  type Parameters,
  parameterNames,
  parameterTable,
} from '../../src/ledger/parameters.ts';
import { accountSchema, shortText } from '../../src/ledger/schemas.ts';
import type { Genesis, Keeper } from '../../src/ledger/types.ts';

export type GenesisFault = Fault<'genesis'>;

export const maxGenesisBytes = 4 * 1024 * 1024;

const vcoin = 1_000_000;
export const defaultTreasury = 1_000_000 * vcoin;

/** What each class of work costs at first, in micro-VCoin per 10⁶ units of cost; then demand decides. */
const firstPrices = { ocr: 250 * vcoin, train: 250 * vcoin } as const;

/** How a swarm's money begins. Throws on amounts that can't be: they come from this program. */
export const createGenesis = (given: {
  readonly name: string;
  readonly time: number;
  readonly keepers: readonly Keeper[];
  readonly host: Genesis['host'];
  readonly treasury?: number;
  readonly allocations?: Genesis['allocations'];
  readonly epochSeconds?: number;
}): Genesis => ({
  v: 1,
  name: given.name,
  time: given.time,
  keepers: given.keepers,
  host: given.host,
  treasury: given.treasury ?? defaultTreasury,
  allocations: given.allocations ?? [],
  parameters: {
    ...initialParameters(),
    ...(given.epochSeconds === undefined ? {} : { epochSeconds: given.epochSeconds }),
  },
  prices: firstPrices,
});

/** From a file or a stranger. Keepers are 3f + 1, each with a key and a name of its own. */
export const readGenesis = (bytes: Uint8Array): Result<Genesis, GenesisFault> => {
  const read = decodeWith(genesisSchema, bytes, { maxBytes: maxGenesisBytes, maxDepth: 4 });
  if (!read.ok) return refuse(read.error.message);
  const genesis = read.value as Genesis;
  const { keepers, allocations, treasury } = genesis;
  if (keepers.length % 3 !== 1)
    return refuse(`it names ${keepers.length} keepers: there are 1, 4, 7, … so that f of 3f + 1 may lie`);
  const keys = new Set(keepers.map(({ key }) => Buffer.from(key).toString('hex')));
  const names = new Set(keepers.map(({ name }) => name));
  if (keys.size < keepers.length || names.size < keepers.length)
    return refuse('two of its keepers have one name or one key');
  if (keepers.length > 1 && keepers.some(({ url }) => url === ''))
    return refuse('several keepers reach each other by their urls, and one of them has none');
  const minted = allocations.reduce((sum, { amount }) => sum + amount, treasury);
  if (!isAmount(minted)) return refuse('what it allocates is more than there can be');
  return ok(genesis);
};

export const readGenesisFile = async (path: string): Promise<Result<Genesis, GenesisFault>> => {
  try {
    const { size } = await stat(path);
    if (size > maxGenesisBytes)
      return refuse(`${path} has ${size} bytes, at most ${maxGenesisBytes} are read`);
    const read = readGenesis(new Uint8Array(await readFile(path)));
    return read.ok ? read : refuse(`${path}: ${read.error.message}`);
  } catch (cause) {
    return refuse(`${path} can not be read: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
};

/** Origins of keepers that are elsewhere, for the page's policy. */
export const originsOf = (keepers: readonly Keeper[]): readonly string[] => [
  ...new Set(keepers.flatMap(({ url }) => (URL.canParse(url) ? [new URL(url).origin] : []))),
];

const amountSchema = v.pipe(
  v.number(),
  v.check((value) => isAmount(value), 'is no amount'),
);
const parametersSchema = v.strictObject(
  Object.fromEntries(
    parameterNames.map((name) => {
      const { least, most } = parameterTable[name];
      return [name, v.pipe(v.number(), v.safeInteger(), v.minValue(least), v.maxValue(most))];
    }),
  ) as unknown as { [Name in keyof Parameters]: v.GenericSchema<number> },
);
const genesisSchema = v.strictObject({
  v: v.literal(1, 'is of another version'),
  name: v.pipe(shortText(80), v.minLength(1)),
  time: countSchema(Number.MAX_SAFE_INTEGER),
  keepers: v.pipe(v.array(keeperSchema), v.minLength(1), v.maxLength(blockLimits.maxKeepers)),
  host: accountSchema,
  treasury: amountSchema,
  allocations: v.pipe(
    v.array(v.strictObject({ account: accountSchema, amount: amountSchema })),
    v.maxLength(10_000),
  ),
  parameters: parametersSchema,
  prices: v.record(shortText(40), amountSchema),
});

const refuse = (message: string) => err(fault('genesis', message));
