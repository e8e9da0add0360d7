import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createCrew, runRange } from './crew.ts';
import { runLedgerHistory } from './history.ts';
import { mutants } from './mutants.ts';
import { tryMutant } from './mutate.ts';
import { planLedger } from './plan.ts';
import { reportLedger } from './report.ts';

/** Another range every day, the same all day; SIM_SEED chooses one. */
const first = Number(process.env['SIM_SEED'] ?? Math.floor(Date.now() / 86_400_000) * 10_000);
/** As many as fit: 5,000 where nobody else needs the processors. */
const wanted = 5_000;
const mostMs = 55_000;

const failedOnce = [
  {
    seed: 10,
    what: 'a sole keeper asked for its own chain once only, and missed a block that was on its way',
  },
  { seed: 221, what: 'an epoch was over by one formula and not by another: they differ in the last bit' },
  {
    seed: 1_115_849,
    what: 'the simulation’s operator had forgotten, after a crash, that the disk is an old one',
  },
  { seed: 200_767, what: 'the simulation itself expected a block back that only the old disk had held' },
];

describe('a ledger with faults', () => {
  it.each(failedOnce)('is sound where it once was not: $what', async ({ seed }) => {
    const { violations } = await runLedgerHistory(planLedger(seed));
    expect(violations).toEqual([]);
  });

  it('goes the same way twice from one seed', async () => {
    const [one, other] = [
      await runLedgerHistory(planLedger(4), true),
      await runLedgerHistory(planLedger(4), true),
    ];
    expect(one).toEqual(other);
    expect(one.height).toBeGreaterThan(0);
  });

  it(`is sound in up to ${wanted} histories from seed ${first} on, by both processors`, async () => {
    const crew = await createCrew(2);
    const failed: unknown[] = [];
    const started = performance.now();
    const enough = () => performance.now() - started > mostMs;
    let done = 0;
    try {
      await runRange(crew, { first, count: wanted, batch: 50, enough }, ({ histories, failures }) => {
        done += histories;
        failed.push(...failures);
      });
    } finally {
      await crew.close();
    }
    console.log(`${done} of ${wanted} histories fitted into ${mostMs / 1_000} s`);
    expect(failed).toEqual([]);
    expect(done).toBeGreaterThanOrEqual(100);
  }, 150_000);

  it('goes on from a file, and counts what was run before', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ledger-resume-'));
    const run = { seed: 1, histories: 3, threads: 1, resume: join(folder, 'tally.json'), json: true };
    try {
      const lines: string[] = [];
      for (let times = 0; times < 2; times++) await reportLedger(run, (line) => lines.push(line));
      const told = lines.map((line) => JSON.parse(line));
      expect(told).toMatchObject([
        { histories: 3, violations: 0 },
        { histories: 6, violations: 0 },
      ]);
      const tally = JSON.parse(await readFile(run.resume, 'utf8'));
      expect(tally).toEqual({ next: 7, histories: 6, failed: [] });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9])('notices when rule %i is broken', async (rule) => {
    const mutant = mutants.find((one) => one.rule === rule);
    if (!mutant) throw new Error(`rule ${rule} has no mutant`);
    const { seed } = await tryMutant(mutant, 400);
    expect(seed, mutant.why).toBeDefined();
  });
});
