import { readFile, stat } from 'node:fs/promises';
import { err, fault, type Result } from '../../src/core/result.ts';
import { initialParameters } from '../../src/ledger/parameters.ts';
import { type GenesisFault, maxGenesisBytes, readGenesis } from '../../src/ledger/readGenesis.ts';
import type { Genesis, Keeper } from '../../src/ledger/types.ts';

const vcoin = 1_000_000;
export const defaultTreasury = 1_000_000 * vcoin;

/** What each class of work costs at first, in micro-VCoin per 10⁶ units of cost; then demand decides. */
const firstPrices = { ocr: 250 * vcoin } as const;

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

const refuse = (message: string) => err(fault('genesis', message));
