/**
 * npm run sim -- inference --seed S [--histories N] [--verbose]
 * npm run sim -- ledger --seed S --histories N [--resume FILE] [--threads 2] [--json]; one history is told in full
 * npm run sim -- ledger --mutants [--histories 2000] [--json]
 * npm run sim -- mesh --seed S [--nodes N] [--scenes steady,slow,loss,crash,churn,partition,hostile,large]
 * npm run sim -- market --seed S [--orders N] [--json]
 * npm run sim -- mint --seed S [--epochs N] [--workers N] [--cost percent] [--json]
 * npm run sim -- governance --seed S [--histories N] [--json]
 * npm run sim -- health --seed S [--days 30] [--tabs 10] [--json]
 * npm run sim -- alerts --seed S [--days 30] [--devices 10] [--outages 0] [--json]
 *
 * Ends with 1 if something that was promised was not kept.
 */
import { parseArgs } from 'node:util';
import { reportAlerts } from './alerts/report.ts';
import { reportGovernance } from './governance/report.ts';
import { reportHealth } from './health/report.ts';
import { explain, runHistory } from './history.ts';
import { explainLedger, reportLedger, reportMutants } from './ledger/report.ts';
import { reportMarket } from './market/report.ts';
import { reportMesh } from './mesh/report.ts';
import { reportMint } from './mint/report.ts';
import { planHistory } from './plan.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    histories: { type: 'string', default: '1' },
    verbose: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    resume: { type: 'string' },
    threads: { type: 'string', default: '2' },
    mutants: { type: 'boolean', default: false },
    nodes: { type: 'string', default: '1000' },
    scenes: { type: 'string', default: 'steady,slow,loss,crash,churn,partition,hostile' },
    orders: { type: 'string', default: '20000' },
    epochs: { type: 'string', default: '200' },
    workers: { type: 'string', default: '40' },
    cost: { type: 'string', default: '60' },
    days: { type: 'string', default: '30' },
    tabs: { type: 'string', default: '10' },
    devices: { type: 'string', default: '10' },
    outages: { type: 'string', default: '0' },
  },
});
const seed = Number(values.seed);
const print = console.log;
const seconds = () => performance.now() / 1_000;
/** Of this process: what else the machine does meanwhile changes nothing. */
const processorMilliseconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

const reportInference = async (): Promise<boolean> => {
  const count = Number(values.histories);
  let failed = 0;
  for (let each = seed; each < seed + count; each++) {
    const report = await runHistory(planHistory(each));
    if (report.violations.length > 0) failed++;
    if (report.violations.length > 0 || values.verbose) print(explain(report));
    if (count > 1) continue;
    const { state, tasksDone, workers } = report.view ?? { state: 'lost', tasksDone: 0, workers: [] };
    const ended = (report.endedAt / 1_000).toFixed(1);
    print(`ended after ${ended} virtual seconds, ${report.messages} messages:`, {
      state,
      tasksDone,
      workers,
    });
  }
  print(`${count - failed} of ${count} histories without a violation`);
  return failed === 0;
};

const reportKeepers = async (): Promise<boolean> => {
  const { json, resume, mutants } = values;
  const run = { seed, threads: Number(values.threads), json, resume };
  const histories = Number(values.histories);
  if (mutants) return reportMutants({ ...run, histories: Math.max(2_000, histories) }, print);
  return histories === 1 && !resume ? explainLedger(seed, print) : reportLedger({ ...run, histories }, print);
};

const scenarios: Readonly<Record<string, () => boolean | Promise<boolean>>> = {
  inference: reportInference,
  ledger: reportKeepers,
  mesh: () =>
    reportMesh({ seed, size: Number(values.nodes), only: values.scenes.split(',') }, { print, seconds }),
  market: () => reportMarket({ seed, orders: Number(values.orders), json: values.json }, { print, seconds }),
  mint: () =>
    reportMint(
      {
        seed,
        epochs: Number(values.epochs),
        workers: Number(values.workers),
        computeCost: Number(values.cost) / 100,
        json: values.json,
      },
      print,
    ),
  health: () =>
    reportHealth({ seed, days: Number(values.days), tabs: Number(values.tabs), json: values.json }, print),
  governance: () =>
    reportGovernance(
      { seed, histories: Number(values.histories), json: values.json },
      { print, milliseconds: processorMilliseconds },
    ),
  alerts: () =>
    reportAlerts(
      {
        seed,
        days: Number(values.days),
        devices: Number(values.devices),
        outages: Number(values.outages),
        json: values.json,
      },
      { print, seconds },
    ),
};

const [name = 'inference'] = positionals;
const scenario = scenarios[name];
if (!scenario) {
  console.error(`unknown scenario ${name}: there are ${Object.keys(scenarios).join(', ')}`);
  process.exit(2);
}
process.exit((await scenario()) ? 0 : 1);
