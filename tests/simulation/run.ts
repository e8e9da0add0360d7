/**
 * npm run sim -- inference --seed S [--histories N] [--verbose]
 * npm run sim -- mesh --seed S [--nodes N] [--scenes steady,slow,loss,crash,churn,partition,hostile,large]
 * npm run sim -- governance --seed S [--histories N] [--json]
 */
import { parseArgs } from 'node:util';
import { reportGovernance } from './governance/report.ts';
import { explain, runHistory } from './history.ts';
import { reportMesh } from './mesh/report.ts';
import { planHistory } from './plan.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    histories: { type: 'string', default: '1' },
    verbose: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    nodes: { type: 'string', default: '1000' },
    scenes: { type: 'string', default: 'steady,slow,loss,crash,churn,partition,hostile' },
  },
});
/** Of this process: what else the machine does meanwhile changes nothing. */
const processorMilliseconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

const [scenario = 'inference'] = positionals;
if (scenario === 'mesh') {
  const met = reportMesh(
    { seed: Number(values.seed), size: Number(values.nodes), only: values.scenes.split(',') },
    { print: console.log, seconds: () => performance.now() / 1_000 },
  );
  process.exit(met ? 0 : 1);
}
if (scenario === 'governance') {
  const kept = reportGovernance(
    { seed: Number(values.seed), histories: Number(values.histories), json: values.json },
    { print: console.log, milliseconds: processorMilliseconds },
  );
  process.exit(kept ? 0 : 1);
}
if (scenario !== 'inference') {
  console.error(`unknown scenario ${scenario}: there are "inference", "mesh" and "governance"`);
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
