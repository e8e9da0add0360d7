import { networkInterfaces } from 'node:os';
import { renderUnicodeCompact } from 'uqr';
import { createNodeRandom } from '../src/platform/node/index.ts';
import { readConfig, type ServerConfig, usage } from './config.ts';
import { createLog } from './log.ts';
import { openRoomSecret } from './room.ts';
import { type RunningServer, startServer } from './server.ts';

const main = async (): Promise<void> => {
  const config = readConfig(process.env, process.argv.slice(2));
  if (!config.ok) {
    process.stderr.write(
      `The configuration has problems:\n${config.error.map((line) => `  ${line}\n`).join('')}\n${usage}\n`,
    );
    process.exit(2);
  }
  if (config.value === 'help') return void process.stdout.write(`${usage}\n`);
  const log = createLog(
    { write: (line) => void process.stderr.write(line), now: () => new Date() },
    config.value.logLevel,
  );
  const clientFolder = process.env['AIVILLAGE_CLIENT'] ?? 'dist/client';
  const server = await startServer(config.value, { log, clientFolder });
  const secret = await openRoomSecret(createNodeRandom(), config.value.dataFolder, config.value.newRoom);
  process.stdout.write(welcome(config.value, server, secret));
  stopOnSignals(server);
};

const welcome = (config: ServerConfig, server: RunningServer, secret: string): string => {
  const open = config.host === '0.0.0.0' || config.host === '::';
  const address = open ? lanAddress() : undefined;
  const base = address ? `${config.tls ? 'https' : 'http'}://${address}:${server.port}` : server.url;
  const link = `${base}/#room=${secret}`;
  const hints = [
    open
      ? undefined
      : 'Only this machine can open it. For phones on your network: npm start -- --host 0.0.0.0 --tls',
    open && !config.tls
      ? 'Without --tls other devices get no secure context: they can not sign, and so can not join. Add --tls.'
      : undefined,
    config.tls ? `Once per phone, to install it and work offline: ${base}/trust` : undefined,
    'Stop with Ctrl+C.',
  ].filter((hint) => hint !== undefined);
  return `\n${renderUnicodeCompact(link)}\n\n  Open this on every device that should join:\n\n  ${link}\n\n${hints.map((hint) => `  ${hint}\n`).join('')}\n`;
};

const lanAddress = (): string | undefined =>
  Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

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

main().catch((cause: unknown) => {
  process.stderr.write(`${cause instanceof Error ? cause.message : String(cause)}\n`);
  process.exit(1);
});
