// Shared by `npm start` and `npm test`: makes a fresh clone ready. Plain Node, no dependencies.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamp = '.made-from';

export const requireNode = () => {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  console.error(
    `AIVillage needs Node 20.19 or newer, this is ${process.versions.node}. See https://nodejs.org`,
  );
  process.exit(1);
};

/** Runs a command, its output shown only if it fails. */
export const run = (command, args, { show = false, env = {} } = {}) => {
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: show ? 'inherit' : 'pipe',
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, ...env },
    shell: process.platform === 'win32',
  });
  if (result.status === 0) return;
  if (!show) console.error(result.stdout, result.stderr);
  throw new Error(`${command} ${args.join(' ')} failed${result.error ? `: ${result.error.message}` : ''}`);
};

// A stamp says what its folder was made from and goes with it: whoever empties or rebuilds the folder removes it.
const stampOf = (folder) => {
  try {
    return readFileSync(join(root, folder, stamp), 'utf8');
  } catch {
    return '';
  }
};
const writeStamp = (folder, value) => {
  mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, folder, stamp), value);
};
const hashOfFiles = (paths) => {
  const hash = createHash('sha256');
  for (const path of paths) hash.update(path).update(readFileSync(join(root, path)));
  return hash.digest('hex');
};

/** Installs what package-lock.json names, unless just that is installed already. */
export const installPackages = () => {
  const wanted = hashOfFiles(['package.json', 'package-lock.json']);
  if (stampOf('node_modules') === wanted) return;
  console.log('Installing packages (once, about a minute)…');
  // Not `npm ci`: it refuses a lock file made where the registry lacks another system's optional binaries. Versions are
  // those of the lock file all the same, and nothing is written back to it.
  // The build is made here, so an environment of NODE_ENV=production must not leave its tools out.
  run('npm', ['install', '--no-save', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']);
  writeStamp('node_modules', wanted);
};

const filesUnder = (folder) =>
  readdirSync(join(root, folder), { recursive: true })
    .map((name) => join(folder, String(name)))
    .filter((path) => statSync(join(root, path)).isFile() && !/\.test\.tsx?$|testDoubles/.test(path))
    .sort();

const buildInputs = () => [
  'index.html',
  'package-lock.json',
  'vite.config.ts',
  'scripts/setup.mjs',
  ...['src', 'workers', 'public', 'server'].flatMap(filesUnder),
];

/** Builds client and server, unless their inputs are those of the last build. */
export const buildAll = () => {
  const wanted = hashOfFiles(buildInputs());
  const outputs = ['dist/client', 'dist/server'];
  if (outputs.every((folder) => stampOf(folder) === wanted)) return;
  console.log('Building…');
  const vite = join(root, 'node_modules/vite/bin/vite.js');
  run(process.execPath, [vite, 'build', '--logLevel', 'warn']);
  run(process.execPath, [vite, 'build', '--config', 'server/vite.config.ts', '--logLevel', 'warn']);
  for (const folder of outputs) writeStamp(folder, wanted);
};
