import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { accountIdOf, formatRecoveryKey } from '../../src/identity/index.ts';
import { genesisBytes, netIdOf } from '../../src/ledger/genesis.ts';
import { readGenesis } from '../../src/ledger/readGenesis.ts';
import { createNodeClock, createNodeRandom, createNodeTimers } from '../../src/platform/node/index.ts';
import { keepFirst } from '../keep.ts';
import { createLog } from '../log.ts';
import { type KeeperCommand, keeperUsage, readKeeperCommand } from './command.ts';
import { createSeedSigner } from './ed25519.ts';
import { createGenesis, readGenesisFile } from './genesisFile.ts';
import {
  createKeeperFile,
  formatPublicPart,
  keysOf,
  parsePublicPart,
  publicPartOf,
  readKeeperFile,
  writeKeeperFile,
} from './keyFile.ts';
import { serveKeeper } from './serve.ts';

/** `npm run keeper`: its commands, each with the files it reads and writes. */
const main = async (): Promise<void> => {
  const command = readKeeperCommand(process.argv.slice(2));
  if (!command.ok) {
    process.stderr.write(`${command.error}\n\n${keeperUsage}`);
    process.exit(2);
  }
  await (actions[command.value.kind] as (command: KeeperCommand) => Promise<void> | void)(command.value);
};

type Of<Kind> = Extract<KeeperCommand, { readonly kind: Kind }>;

const init = async ({ name, url, out }: Of<'init'>) => {
  const random = createNodeRandom();
  const worker = await makeAccount(beside(out, 'worker-key.txt'));
  const file = createKeeperFile({ name, url, worker, secret: random.bytes(32) });
  await refuseToReplace(out);
  await writeKeeperFile(out, file);
  const text = formatPublicPart(publicPartOf(file));
  await writeFile(beside(out, 'public.json'), text);
  process.stdout.write(text);
};

const genesis = async (given: Of<'genesis'>) => {
  await refuseToReplace(given.out);
  const keepers = await Promise.all(
    given.keepers.map(async (path) => {
      const part = parsePublicPart(await readFile(path, 'utf8'));
      if (!part.ok) throw new Error(`${path}: ${part.error.message}`);
      return part.value;
    }),
  );
  const host = given.host ?? (await makeAccount(beside(given.out, 'host-key.txt')));
  const { treasury, epochSeconds, name, allocations } = given;
  const made = createGenesis({
    name,
    time: createNodeClock().now(),
    keepers,
    host,
    allocations,
    ...(treasury === undefined ? {} : { treasury }),
    ...(epochSeconds === undefined ? {} : { epochSeconds }),
  });
  const bytes = genesisBytes(made);
  const sound = readGenesis(bytes);
  if (!sound.ok) throw new Error(sound.error.message);
  await writeFile(given.out, bytes);
  process.stdout.write(
    `${given.out}: the ledger ${netIdOf(made)}, ${keepers.length} keepers, host ${host}\n`,
  );
};

const run = async (given: Of<'run'>) => {
  const clock = createNodeClock();
  const log = createLog({ write: (line) => void process.stderr.write(line), clock }, 'info');
  const begun = await readGenesisFile(given.genesis);
  if (!begun.ok) throw new Error(begun.error.message);
  const file = await readKeeperFile(given.key);
  if (!file.ok) throw new Error(file.error.message);
  const server = createServer();
  const served = await serveKeeper(
    server,
    { log, timers: createNodeTimers({ holdsProcess: false }) },
    {
      genesis: begun.value,
      keys: keysOf(file.value),
      dataFolder: given.data,
      messagesPerSecond: given.messagesPerSecond,
      origins: given.origins,
      maxConnections: 2_000,
      maxConnectionsPerAddress: 200,
      machine: { restored: given.restored },
    },
  );
  if (!served.ok) throw new Error(served.error.message);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(given.port, given.address, resolve);
  });
  const { driver } = served.value.service;
  log('info', 'keeper', { name: file.value.name, net: driver.ledger().net, port: portOf(server.address()) });
  let asked = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (asked) process.exit(1); // asked twice: at once
      asked = true;
      void served.value.close().then(() => process.exit(0));
    });
  }
};

const status = async ({ url }: Of<'status'>) => {
  const answer = await fetch(new URL('/ledger/status', url));
  if (!answer.ok) throw new Error(`${url} answers ${answer.status}: is a keeper there?`);
  process.stdout.write(await answer.text());
};

const actions: { readonly [Kind in KeeperCommand['kind']]: (command: Of<Kind>) => Promise<void> | void } = {
  help: () => void process.stdout.write(keeperUsage),
  init,
  genesis,
  run,
  status,
};

/** A new account; its recovery key lies in the file, for its owner to restore in a browser. */
const makeAccount = async (path: string) => {
  const seed = createNodeRandom().bytes(32);
  const text = `${formatRecoveryKey(seed)}\n`;
  if ((await keepFirst(path, text)) !== text)
    throw new Error(`${path} is there already: choose another name`);
  return accountIdOf(createSeedSigner(seed).publicKey);
};

const refuseToReplace = async (path: string): Promise<void> => {
  const found = await readFile(path).catch(() => undefined);
  if (found) throw new Error(`${path} is there already: it may be all that is left of a key`);
};

const beside = (path: string, what: string): string => `${path.replace(/\.(json|cbor)$/, '')}.${what}`;
const portOf = (address: ReturnType<ReturnType<typeof createServer>['address']>): number =>
  typeof address === 'object' && address ? address.port : 0;

main().catch((cause: unknown) => {
  process.stderr.write(`${cause instanceof Error ? cause.message : String(cause)}\n`);
  process.exit(1);
});
