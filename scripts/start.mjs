// `npm start`: sets itself up if needed, builds if something changed, serves, prints the link to open.
import { spawn } from 'node:child_process';
import { buildAll, installPackages, requireNode, root } from './setup.mjs';

requireNode();
try {
  installPackages();
  buildAll();
} catch (cause) {
  console.error(
    `\n${cause.message}\nNothing was started. If the network was away, try again; otherwise delete node_modules and try again.`,
  );
  process.exit(1);
}
const server = spawn(
  process.execPath,
  ['--enable-source-maps', 'dist/server/main.js', ...process.argv.slice(2)],
  {
    cwd: root,
    stdio: 'inherit',
    // In a terminal a person reads the link; a collector of logs gets every line.
    env: { AIVILLAGE_LOG_LEVEL: process.stderr.isTTY ? 'warn' : 'info', ...process.env },
  },
);
// The terminal sends Ctrl+C to both; a plain kill reaches only this process, so it is passed on.
process.on('SIGTERM', () => server.kill('SIGTERM'));
process.on('SIGINT', () => {});
server.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 0)));
