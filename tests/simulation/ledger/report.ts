import { readFile, rename, writeFile } from 'node:fs/promises';
import { createCrew, runRange } from './crew.ts';
import { runLedgerHistory } from './history.ts';
import { tryMutants } from './mutate.ts';
import { planLedger } from './plan.ts';

export type LedgerRun = {
  readonly seed: number;
  readonly histories: number;
  readonly threads: number;
  /** A file that remembers how far earlier runs came: this one goes on from there and adds to it. */
  readonly resume: string | undefined;
  readonly json: boolean;
};

type Tally = { next: number; histories: number; failed: number[] };

const batch = 100;

/** True if every history was sound. */
export const reportLedger = async (run: LedgerRun, print: (line: string) => void): Promise<boolean> => {
  const tally = (run.resume && (await readTally(run.resume))) || { next: run.seed, histories: 0, failed: [] };
  const before = { ...tally };
  const started = performance.now();
  const crew = await createCrew(run.threads);
  try {
    await runRange(crew, { first: tally.next, count: run.histories, batch }, async (result) => {
      tally.next += result.histories;
      tally.histories += result.histories;
      for (const { seed, violations } of result.failures) {
        tally.failed.push(seed);
        print(`seed ${seed}: ${violations.join('; ')}`);
      }
      if (run.resume) await writeTally(run.resume, tally);
    });
  } finally {
    await crew.close();
  }
  const seconds = Math.round((performance.now() - started) / 1_000);
  const { histories, failed } = tally;
  if (run.json) print(JSON.stringify({ histories, violations: failed.length, seconds }));
  else
    print(
      `seeds ${before.next} to ${tally.next - 1} in ${seconds} s; ${histories} histories in all, ${failed.length} with a violation`,
    );
  return failed.length === 0;
};

export const explainLedger = async (seed: number, print: (line: string) => void): Promise<boolean> => {
  const { plan, log, violations, height, epoch, endedAt } = await runLedgerHistory(planLedger(seed), true);
  print(JSON.stringify(plan, undefined, 1));
  for (const line of log) print(line);
  print(`height ${height}, epoch ${epoch}, after ${(endedAt / 1_000).toFixed(1)} virtual seconds`);
  for (const violation of violations) print(`VIOLATION: ${violation}`);
  return violations.length === 0;
};

export const reportMutants = async (
  run: Pick<LedgerRun, 'histories' | 'threads' | 'json'>,
  print: (line: string) => void,
): Promise<boolean> => {
  const counted = await tryMutants(run, ({ mutant, seed, violation }) => {
    if (!run.json || seed === undefined)
      print(
        `rule ${mutant.rule}, ${mutant.why}: ${seed === undefined ? 'NOT NOTICED' : `seed ${seed}: ${violation?.split('\n')[0]}`}`,
      );
  });
  print(
    run.json ? JSON.stringify(counted) : `${counted.mutants_caught} of ${counted.mutants} mutants noticed`,
  );
  return counted.mutants === counted.mutants_caught;
};

const readTally = async (path: string): Promise<Tally | undefined> => {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Tally;
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw cause;
  }
};

/** Whole or not at all. */
const writeTally = async (path: string, tally: Tally): Promise<void> => {
  await writeFile(`${path}.new`, JSON.stringify(tally));
  await rename(`${path}.new`, path);
};
