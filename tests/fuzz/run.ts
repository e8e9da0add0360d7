/** npm run fuzz -- [--inputs 1000000] [--seed 1] [--only gossip | --only ledger | --only "ledger: blocks"] */
import { parseArgs } from 'node:util';
import { createFuzzTargets } from './decoders.ts';
import { fuzz } from './fuzz.ts';
import { createLedgerTargets } from './ledger/targets.ts';

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
  },
});
const inputs = Number(values.inputs);
let thrown = 0;
let most = 0;
console.log(`${inputs} damaged messages each, seed ${values.seed}`);
for (const target of [...(await createFuzzTargets()), ...createLedgerTargets()]) {
  const { only = target.name } = values;
  if (only !== target.name && !target.name.startsWith(`${only}:`)) continue;
  const started = performance.now();
  const report = await fuzz(target, Number(values.seed), inputs);
  thrown += report.thrown.length;
  most = Math.max(most, process.memoryUsage().rss);
  const seconds = ((performance.now() - started) / 1_000).toFixed(1);
  console.log(
    `${target.name.padEnd(29)} accepted ${String(report.accepted).padStart(7)}  threw ${report.thrown.length}  ${seconds} s`,
  );
  for (const one of report.thrown) console.log(`  ${one}`);
}
console.log(
  JSON.stringify({
    ok: thrown === 0,
    inputs,
    seed: Number(values.seed),
    thrown,
    memory_mb: Math.round(most / 2 ** 20),
  }),
);
process.exit(thrown === 0 ? 0 : 1);
