// `npm run keeper`: a keeper of the ledger without a village. Sets itself up like `npm start`; --help tells its commands.
import { spawn } from 'node:child_process';
import { buildAll, installPackages, requireNode, root } from './setup.mjs';

requireNode();
try {
  installPackages();
  buildAll();
} catch (cause) {
  console.error(`\n${cause.message}\nNothing was started.`);
  process.exit(1);
}
const keeper = spawn(
  process.execPath,
  ['--enable-source-maps', `${root}/dist/server/keeper.js`, ...process.argv.slice(2)],
  // npm changes to the repository; files are named from where the operator stands.
  { stdio: 'inherit', cwd: process.env.INIT_CWD ?? process.cwd() },
);
process.on('SIGTERM', () => keeper.kill('SIGTERM'));
process.on('SIGINT', () => {});
keeper.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 0)));
