/**
 * `npm run swarm -- --tabs 3 --job ocr --input FILES…`: a real swarm of headless browsers does one job and prints the text,
 * who did what, the time against one tab, and whether the receipts hold. Ends non-zero on any failure.
 */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { runSwarm, type SwarmReport } from './lib/swarm.ts';
import { buildAll, installPackages } from './setup.mjs';

const usage = `npm run swarm -- --input FILES… [options]
  --tabs N        browsers, each a device of its own (default 3)
  --job ocr       the only job there is
  --kill-one      kills one of them half-way
  --no-baseline   does not read again with one tab for comparison
  --json          one JSON object as the last line`;

const fail = (message: string): never => {
  console.error(`${message}\n\n${usage}`);
  process.exit(2);
};

const readOptions = () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      tabs: { type: 'string', default: '3' },
      job: { type: 'string', default: 'ocr' },
      input: { type: 'string', multiple: true, default: [] },
      'kill-one': { type: 'boolean', default: false },
      'no-baseline': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const tabs = Number(values.tabs);
  const files = [...values.input, ...positionals];
  if (values.job !== 'ocr') fail(`There is no job ${values.job}.`);
  if (!Number.isInteger(tabs) || tabs < 1 || tabs > 12)
    fail('--tabs is a number from 1 to 12: a room holds 12.');
  if (files.length === 0) fail('Nothing to read: name image files after --input.');
  for (const file of files) if (!existsSync(file)) fail(`There is no file ${file}.`);
  return { tabs, files, killOne: values['kill-one'], baseline: !values['no-baseline'], json: values.json };
};

const printReport = (report: SwarmReport): void => {
  for (const { file, text, error } of report.files) console.log(`\n── ${file} ──\n${error ?? text}`);
  console.log('\npeer          runtime   tasks   lines   credits   taken back');
  for (const { name, runtime, tasks, lines, credits, lost } of report.peers) {
    const row = [
      name.padEnd(13),
      (runtime ?? '–').padEnd(7),
      String(tasks).padStart(7),
      String(lines).padStart(7),
    ];
    console.log(`${row.join(' ')} ${credits.toFixed(3).padStart(9)} ${String(lost).padStart(12)}`);
  }
};

const main = async (): Promise<void> => {
  const options = readOptions();
  installPackages();
  buildAll();
  const say = (text: string) => console.error(text);
  const report = await runSwarm({ ...options, say });
  printReport(report);
  console.log(`\n${options.tabs} tabs: ${(report.wallMs / 1000).toFixed(1)} s`);
  if (options.baseline && options.tabs > 1) {
    const alone = await runSwarm({ tabs: 1, files: options.files, workersPerTab: options.tabs, say });
    console.log(`1 tab with as many workers: ${(alone.wallMs / 1000).toFixed(1)} s`);
  }
  console.log(`receipts: ${report.receipts.valid} of ${report.receipts.count} hold`);
  for (const problem of report.problems) console.error(`problem: ${problem}`);
  if (options.json) {
    const { ok, files, peers, receipts, wallMs } = report;
    console.log(JSON.stringify({ ok, files, peers, receipts, wall_ms: Math.round(wallMs) }));
  }
  process.exit(report.ok ? 0 : 1);
};

main().catch((cause: unknown) => {
  console.error(cause instanceof Error ? cause.message : cause);
  process.exit(1);
});
