/**
 * `npm run bench -- SUITE`: runs a suite of bench/, prints its numbers beside the baseline of the same environment.
 * `--json` prints one JSON object as the last line; `--update-baseline` keeps the numbers as the new baseline.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { buildAll, installPackages } from '../scripts/setup.mjs';
import { describeEnvironment } from './environment.ts';
import { formatTable } from './report.ts';
import type { Bench, BenchResult } from './suite.ts';

const folder = dirname(fileURLToPath(import.meta.url));
const baselineFile = join(folder, 'baselines.json');

type Baselines = Record<string, Record<string, BenchResult>>;

const main = async (): Promise<void> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      'update-baseline': { type: 'boolean', default: false },
    },
  });
  const [suite, ...more] = positionals;
  if (suite === undefined || more.length > 0 || !suites().includes(suite)) {
    throw new Error(`npm run bench -- SUITE [--json] [--update-baseline]\nsuites: ${suites().join(', ')}`);
  }
  installPackages();
  buildAll();
  const environment = await describeEnvironment();
  const { result, ...promises } = await runSuite(suite, values.json);
  const baselines = readBaselines();
  console.log(`\n${suite} on ${environment}`);
  console.log(formatTable(result, baselines[environment]?.[suite], promises));
  if (values['update-baseline']) {
    baselines[environment] = { ...baselines[environment], [suite]: result };
    writeFileSync(baselineFile, `${JSON.stringify(baselines, undefined, 2)}\n`);
    console.log('These are the baseline of this environment now.');
  }
  if (values.json) console.log(JSON.stringify(result));
};

const benchFiles = (suite: string): readonly string[] =>
  readdirSync(join(folder, suite))
    .filter((name) => name.endsWith('.bench.ts'))
    .sort();

const suites = (): readonly string[] =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && benchFiles(entry.name).length > 0)
    .map(({ name }) => name);

/** The files of a suite one after the other: they would disturb each other's times. */
const runSuite = async (suite: string, json: boolean) => {
  let result: BenchResult = {};
  let limits: Readonly<Record<string, number>> = {};
  let floors: Readonly<Record<string, number>> = {};
  for (const name of benchFiles(suite)) {
    const bench = (await import(pathToFileURL(join(folder, suite, name)).href)) as Bench;
    result = { ...result, ...(await bench.run({ json, say: (text) => console.error(text) })) };
    limits = { ...limits, ...bench.limits };
    floors = { ...floors, ...bench.floors };
  }
  return { result, limits, floors };
};

const readBaselines = (): Baselines =>
  existsSync(baselineFile) ? (JSON.parse(readFileSync(baselineFile, 'utf8')) as Baselines) : {};

main().then(
  () => process.exit(0),
  (cause: unknown) => {
    console.error(cause instanceof Error ? cause.message : cause);
    process.exit(1);
  },
);
