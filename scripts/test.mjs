// `npm test`: makes a fresh clone ready (packages, a browser, a build), then runs every stage and says how long each took.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBrowser } from './lib/browser.mjs';
import { buildAll, installPackages, requireNode, root } from './setup.mjs';

const reports = join(root, 'test-results');
const bin = (name) => join(root, 'node_modules/.bin', name);
const vitest = (project) => ({
  command: [
    bin('vitest'),
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${join(reports, `${project}.json`)}`,
  ],
  count: () => {
    const report = readReport(`${project}.json`);
    return { passed: report.numPassedTests ?? 0, failed: report.numFailedTests ?? 0 };
  },
});

/** Minutes are a budget on two cores: over it is said, and is not a failure. */
const stages = [
  { name: 'types', minutes: 0.5, command: ['npm', 'run', '--silent', 'types'] },
  { name: 'lint', minutes: 0.25, command: ['npm', 'run', '--silent', 'lint'] },
  { name: 'unused code', minutes: 0.25, command: ['npm', 'run', '--silent', 'knip'] },
  { name: 'architecture', minutes: 0.25, ...vitest('architecture') },
  { name: 'unit', minutes: 6, ...vitest('unit') },
  { name: 'simulation', minutes: 3.5, ...vitest('simulation') },
  { name: 'build', minutes: 0.5, work: buildAll },
  {
    name: 'browsers',
    minutes: 11,
    command: [bin('playwright'), 'test'],
    count: () => {
      const { stats = {} } = readReport('browsers.json');
      return { passed: stats.expected ?? 0, failed: (stats.unexpected ?? 0) + (stats.flaky ?? 0) };
    },
  },
];

const readReport = (name) => {
  try {
    return JSON.parse(readFileSync(join(reports, name), 'utf8'));
  } catch {
    return {};
  }
};

const runCommand = ([command, ...args], env) =>
  new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
    child.on('error', () => resolve(1));
    child.on('exit', (code) => resolve(code ?? 1));
  });

const runStage = async (stage, env) => {
  console.log(`\n── ${stage.name} ${'─'.repeat(60 - stage.name.length)}`);
  const started = performance.now();
  let failed = false;
  try {
    if (stage.work) stage.work();
    else failed = (await runCommand(stage.command, env)) !== 0;
  } catch (cause) {
    console.error(cause.message);
    failed = true;
  }
  // A stage without counted tests counts as one.
  const counted = stage.count?.() ?? { passed: failed ? 0 : 1, failed: failed ? 1 : 0 };
  if (failed && counted.failed === 0) counted.failed = 1;
  return { ...stage, failed, counted, seconds: (performance.now() - started) / 1000 };
};

requireNode();
installPackages();
rmSync(reports, { recursive: true, force: true });
mkdirSync(reports, { recursive: true });
const browser = await ensureBrowser();
const only = process.argv.slice(2);
const results = [];
for (const stage of stages.filter(({ name }) => only.length === 0 || only.includes(name))) {
  results.push(await runStage(stage, { CHROMIUM_PATH: browser }));
}

console.log('\nstage          seconds   budget   passed   failed');
for (const { name, seconds, minutes, counted, failed } of results) {
  const over = seconds > minutes * 60 ? '  over its budget' : '';
  const row = [
    name.padEnd(14),
    seconds.toFixed(1).padStart(7),
    String(minutes * 60).padStart(8),
    String(counted.passed).padStart(8),
    String(counted.failed).padStart(8),
  ];
  console.log(`${row.join(' ')}${failed ? '  FAILED' : ''}${over}`);
}
const sum = (pick) => results.reduce((total, result) => total + pick(result), 0);
console.log(
  `${'total'.padEnd(14)} ${sum(({ seconds }) => seconds)
    .toFixed(1)
    .padStart(7)}`,
);
console.log(
  `\n${sum(({ counted }) => counted.passed)} passed, ${sum(({ counted }) => counted.failed)} failed`,
);
process.exit(results.some(({ failed }) => failed) ? 1 : 0);
