/**
 * npm run sim -- inference --seed S [--histories N] [--verbose]
 * npm run sim -- ledger --seed S --histories N [--resume FILE] [--threads 2] [--json]; one history is told in full
 * npm run sim -- ledger --mutants [--histories 2000] [--json]
 * npm run sim -- mesh --seed S [--nodes N] [--scenes steady,slow,loss,crash,churn,partition,hostile,large]
 */
import { parseArgs } from 'node:util';
import { explain, runHistory } from './history.ts';
import { explainLedger, reportLedger, reportMutants } from './ledger/report.ts';
import { reportMesh } from './mesh/report.ts';
import { planHistory } from './plan.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    histories: { type: 'string', default: '1' },
    resume: { type: 'string' },
    threads: { type: 'string', default: '2' },
    json: { type: 'boolean', default: false },
    mutants: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
    nodes: { type: 'string', default: '1000' },
    scenes: { type: 'string', default: 'steady,slow,loss,crash,churn,partition,hostile' },
  },
});
const [scenario = 'inference'] = positionals;
if (scenario === 'mesh') {
  const met = reportMesh(
    { seed: Number(values.seed), size: Number(values.nodes), only: values.scenes.split(',') },
    { print: console.log, seconds: () => performance.now() / 1_000 },
  );
  process.exit(met ? 0 : 1);
}
if (scenario === 'ledger') {
  const { json, resume } = values;
  const run = { seed: Number(values.seed), threads: Number(values.threads), json, resume };
  const histories = Number(values.histories);
  const sound = values.mutants
    ? await reportMutants({ ...run, histories: Math.max(2_000, histories) }, console.log)
    : histories === 1 && !resume
      ? await explainLedger(run.seed, console.log)
      : await reportLedger({ ...run, histories }, console.log);
  process.exit(sound ? 0 : 1);
}
if (scenario !== 'inference') {
  console.error(`unknown scenario ${scenario}: there are "inference", "ledger" and "mesh"`);
  process.exit(2);
}
const first = Number(values.seed);
const count = Number(values.histories);
let failed = 0;
for (let seed = first; seed < first + count; seed++) {
  const report = await runHistory(planHistory(seed));
  if (report.violations.length > 0) failed++;
  if (report.violations.length > 0 || values.verbose) console.log(explain(report));
  if (count === 1) {
    const { state, tasksDone, workers } = report.view ?? { state: 'lost', tasksDone: 0, workers: [] };
    const seconds = (report.endedAt / 1_000).toFixed(1);
    console.log(`ended after ${seconds} virtual seconds, ${report.messages} messages:`, {
      state,
      tasksDone,
      workers,
    });
  }
}
console.log(`${count - failed} of ${count} histories without a violation`);
process.exit(failed > 0 ? 1 : 0);
