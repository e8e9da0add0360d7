import * as v from 'valibot';
import { err, type Fault, fault, ok, type Result } from '../../core/result.ts';
import { countSchema, decodeWith } from '../../core/schema.ts';
import { blockLimits, keeperSchema } from '../block.ts';
import { type ParameterName, type Parameters, parameterNames, parameterTable } from '../parameters.ts';
import { accountSchema, shortText } from '../schemas.ts';
import type { Genesis } from '../types.ts';

const maxGenesisBytes = 1024 * 1024;
const amount = countSchema(Number.MAX_SAFE_INTEGER);
const parameterOf = (name: ParameterName) =>
  v.pipe(
    v.number(),
    v.safeInteger(),
    v.minValue(parameterTable[name].least),
    v.maxValue(parameterTable[name].most),
  );

const parametersSchema = v.strictObject(
  Object.fromEntries(parameterNames.map((name) => [name, parameterOf(name)])),
) as unknown as v.GenericSchema<unknown, Parameters>;
const genesisSchema = v.strictObject({
  v: v.literal(1, 'is of another version: reload the page'),
  name: shortText(80),
  time: amount,
  keepers: v.pipe(v.array(keeperSchema), v.minLength(1), v.maxLength(blockLimits.maxKeepers)),
  host: accountSchema,
  treasury: amount,
  allocations: v.pipe(v.array(v.strictObject({ account: accountSchema, amount })), v.maxLength(10_000)),
  parameters: parametersSchema,
  prices: v.record(shortText(40), amount),
});

/** How a host says that its swarm's money began. What is wrong with it would make another swarm of it, or none. */
export const readGenesis = (bytes: Uint8Array): Result<Genesis, Fault<'genesis'>> => {
  const read = decodeWith(genesisSchema, bytes, { maxBytes: maxGenesisBytes, maxDepth: 4 });
  if (!read.ok) return refuse(read.error.message);
  const { keepers, allocations, treasury } = read.value;
  if (keepers.length % 3 !== 1) return refuse(`it names ${keepers.length} keepers: there are 1, 4, 7, …`);
  const minted = allocations.reduce((sum, { amount: given }) => sum + given, treasury);
  if (!Number.isSafeInteger(minted)) return refuse('it allocates more than there can be');
  return ok(read.value);
};

const refuse = (message: string) => err(fault('genesis', `this is no beginning of a ledger: ${message}`));
