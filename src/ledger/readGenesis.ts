import * as v from 'valibot';
import { toHex } from '../core/bytes.ts';
import { err, type Fault, fault, ok, type Result } from '../core/result.ts';
import { countSchema, decodeWith, recordSchema } from '../core/schema.ts';
import { isAmount } from './amounts.ts';
import { blockLimits } from './block.ts';
import { type Parameters, parameterNames, parameterTable } from './parameters.ts';
import { accountSchema, keeperSchema, shortText } from './schemas.ts';
import type { Genesis } from './types.ts';

export type GenesisFault = Fault<'genesis'>;

export const maxGenesisBytes = 4 * 1024 * 1024;

/** From a file or a stranger. Keepers are 3f + 1, each with a key and a name of its own. */
export const readGenesis = (bytes: Uint8Array): Result<Genesis, GenesisFault> => {
  const read = decodeWith(genesisSchema, bytes, { maxBytes: maxGenesisBytes, maxDepth: 4 });
  if (!read.ok) return refuse(read.error.message);
  const genesis = read.value as Genesis;
  const { keepers, allocations, treasury } = genesis;
  if (keepers.length % 3 !== 1)
    return refuse(`it names ${keepers.length} keepers: there are 1, 4, 7, … so that f of 3f + 1 may lie`);
  const keys = new Set(keepers.map(({ key }) => toHex(key)));
  const names = new Set(keepers.map(({ name }) => name));
  if (keys.size < keepers.length || names.size < keepers.length)
    return refuse('two of its keepers have one name or one key');
  if (keepers.length > 1 && keepers.some(({ url }) => url === ''))
    return refuse('several keepers reach each other by their urls, and one of them has none');
  const minted = allocations.reduce((sum, { amount }) => sum + amount, treasury);
  if (!isAmount(minted)) return refuse('what it allocates is more than there can be');
  return ok(genesis);
};

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
  prices: recordSchema(shortText(40), amountSchema),
});

const refuse = (message: string) => err(fault('genesis', message));
