import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';
import type * as history from './history.ts';
import { type Mutant, mutants } from './mutants.ts';
import { planLedger } from './plan.ts';

export type MutantResult = {
  readonly mutant: Mutant;
  /** The first history that shows it; undefined: none did. */
  readonly seed: number | undefined;
  readonly violation: string | undefined;
};

const root = resolve(import.meta.dirname, '../../..');

/** Builds the simulation over a source in which one thing is broken, and runs histories until one is not sound. */
export const tryMutant = async (mutant: Mutant, histories: number, first = 1): Promise<MutantResult> => {
  const { runLedgerHistory, close } = await buildWith(mutant);
  try {
    for (let seed = first; seed < first + histories; seed++) {
      const { violations } = await runLedgerHistory(planLedger(seed));
      if (violations.length > 0) return { mutant, seed, violation: violations[0] };
    }
    return { mutant, seed: undefined, violation: undefined };
  } finally {
    await close();
  }
};

export const tryMutants = async (
  histories: number,
  print: (result: MutantResult) => void,
): Promise<{ readonly mutants: number; readonly mutants_caught: number }> => {
  let caught = 0;
  for (const mutant of mutants) {
    const result = await tryMutant(mutant, histories);
    if (result.seed !== undefined) caught++;
    print(result);
  }
  return { mutants: mutants.length, mutants_caught: caught };
};

const buildWith = async (mutant: Mutant) => {
  const folder = await mkdtemp(join(tmpdir(), 'mutant-'));
  const file = join(folder, 'history.mjs');
  const target = join(root, mutant.file);
  let applied = false;
  const build = await rolldown({
    input: join(root, 'tests/simulation/ledger/history.ts'),
    platform: 'node',
    plugins: [
      {
        name: 'mutant',
        async load(id) {
          if (id !== target) return null;
          applied = true;
          return { code: mutated(await readFile(id, 'utf8'), mutant), moduleType: 'ts' };
        },
      },
    ],
  });
  await build.write({ file, format: 'esm' });
  await build.close();
  if (!applied) throw new Error(`${mutant.file} is no part of the simulation`);
  const { runLedgerHistory } = (await import(pathToFileURL(file).href)) as typeof history;
  return { runLedgerHistory, close: () => rm(folder, { recursive: true }) };
};

const mutated = (source: string, { find, replace, file }: Mutant): string => {
  const parts = source.split(find);
  if (parts.length !== 2) throw new Error(`"${find}" stands ${parts.length - 1} times in ${file}, not once`);
  return parts.join(replace);
};
