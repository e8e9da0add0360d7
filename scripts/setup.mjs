// Shared by `npm start` and `npm test`: makes a fresh clone ready. Plain Node, no dependencies.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamps = join(root, 'node_modules', '.aivillage');

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
    env: { ...process.env, ...env },
    shell: process.platform === 'win32',
  });
  if (result.status === 0) return;
  if (!show) console.error(result.stdout, result.stderr);
  throw new Error(`${command} ${args.join(' ')} failed${result.error ? `: ${result.error.message}` : ''}`);
};

const stampOf = (name) => {
  try {
    return readFileSync(join(stamps, name), 'utf8');
  } catch {
    return '';
  }
};
const writeStamp = (name, value) => {
  mkdirSync(stamps, { recursive: true });
  writeFileSync(join(stamps, name), value);
};
const hashOfFiles = (paths) => {
  const hash = createHash('sha256');
  for (const path of paths) hash.update(path).update(readFileSync(join(root, path)));
  return hash.digest('hex');
};

/** Installs what package-lock.json names, unless just that is installed already. */
export const installPackages = () => {
  const wanted = hashOfFiles(['package.json', 'package-lock.json']);
  if (stampOf('installed') === wanted) return;
  console.log('Installing packages (once, about a minute)…');
  // Not `npm ci`: it refuses a lock file made where the registry lacks another system's optional binaries. Versions are
  // those of the lock file all the same, and nothing is written back to it.
  run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error']);
  writeStamp('installed', wanted);
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
  const built =
    existsSync(join(root, 'dist/client/index.html')) && existsSync(join(root, 'dist/server/main.js'));
  if (built && stampOf('built') === wanted) return;
  console.log('Building…');
  const vite = join(root, 'node_modules/vite/bin/vite.js');
  run(process.execPath, [vite, 'build', '--logLevel', 'warn']);
  run(process.execPath, [vite, 'build', '--config', 'server/vite.config.ts', '--logLevel', 'warn']);
  writeStamp('built', wanted);
};
