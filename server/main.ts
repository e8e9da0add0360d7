import { realpathSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { fileURLToPath } from 'node:url';
import { createNodeClock, createNodeRandom } from '../src/platform/node/index.ts';
import { readConfig, usage } from './config.ts';
import { createLog } from './log.ts';
import { openRoomSecret } from './room.ts';
import { type RunningServer, startServer } from './server.ts';
import { formatWelcome } from './welcome.ts';

export { startServer };

const main = async (): Promise<void> => {
  const config = readConfig(process.env, process.argv.slice(2));
  if (!config.ok) {
    const problems = config.error.map((line) => `  ${line}\n`).join('');
    process.stderr.write(`The configuration has problems:\n${problems}\n${usage}\n`);
    process.exit(2);
  }
  if (config.value === 'help') return void process.stdout.write(`${usage}\n`);
  const { dataFolder, newRoom, logLevel } = config.value;
  const write = (line: string) => void process.stderr.write(line);
  const log = createLog({ write, clock: createNodeClock() }, logLevel);
  const clientFolder = process.env['AIVILLAGE_CLIENT'] ?? 'dist/client';
  const secret = await openRoomSecret(createNodeRandom(), dataFolder, newRoom);
  const server = await startServer(config.value, { log, clientFolder });
  stopOnSignals(server);
  const terminal = {
    colours: process.stdout.isTTY && process.env['NO_COLOR'] === undefined,
    columns: process.stdout.columns ?? 80,
  };
  const room = { secret, interfaces: networkInterfaces() };
  process.stdout.write(formatWelcome(config.value, server, room, terminal));
};

const stopOnSignals = (server: RunningServer): void => {
  let asked = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (asked) process.exit(1); // asked twice: at once
      asked = true;
      void server.close().then(() => process.exit(0));
    });
  }
};

/** Scripts and tests import this file, too. */
const isEntry = (): boolean => {
  try {
    return realpathSync(process.argv[1] ?? '') === fileURLToPath(import.meta.url);
  } catch {
    return false;
  }
};

if (isEntry()) {
  main().catch((cause: unknown) => {
    process.stderr.write(`${cause instanceof Error ? cause.message : String(cause)}\n`);
    process.exit(1);
  });
}
