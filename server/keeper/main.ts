import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Fault, Result } from '../../src/core/result.ts';
import { accountIdOf, formatRecoveryKey } from '../../src/identity/index.ts';
import { genesisBytes, netIdOf } from '../../src/ledger/genesis.ts';
import { readGenesis } from '../../src/ledger/readGenesis.ts';
import type { Keeper } from '../../src/ledger/types.ts';
import { createNodeClock, createNodeRandom, createNodeTimers } from '../../src/platform/node/index.ts';
import { keepFirst } from '../keep.ts';
import { createLog } from '../log.ts';
import { type KeeperCommand, keeperUsage, readKeeperCommand } from './command.ts';
import { createSeedSigner } from './ed25519.ts';
import { createGenesis, readGenesisFile } from './genesisFile.ts';
import {
  fetchLedger,
  type KnownLedger,
  type Plan,
  planReplacement,
  planThreeMore,
  readCandidate,
  writeCandidate,
} from './joining.ts';
import {
  createKeeperFile,
  formatPublicPart,
  type KeeperFile,
  keysOf,
  parsePublicPart,
  publicPartOf,
  readKeeperFile,
  writeKeeperFile,
} from './keyFile.ts';
import { lockKey } from './keyLock.ts';
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
  await refuseToReplace(out);
  const worker = await makeAccount(beside(out, 'worker-key.txt'));
  process.stdout.write(await makeKey(out, { name, url, worker }));
};

const makeKey = async (out: string, named: Pick<KeeperFile, 'name' | 'url' | 'worker'>): Promise<string> => {
  const file = createKeeperFile({ ...named, secret: createNodeRandom().bytes(32) });
  await writeKeeperFile(out, file);
  const text = formatPublicPart(publicPartOf(file));
  await writeFile(beside(out, 'public.json'), text);
  return text;
};

const rotate = async ({ key, out, url, why }: Of<'rotate'>) => {
  await refuseToReplace(out);
  const { name, url: place, worker, ...old } = must(await readKeeperFile(key));
  const ledger = must(await fetchLedger(url));
  const leaving = keysOf({ name, url: place, worker, ...old }).signer.publicKey;
  // Before a key is made: one for a seat that there is not would only lie about.
  must(planReplacement(ledger, { name, url: place, worker, key: none, beacon: none }, leaving, why));
  await makeKey(out, { name, url: place, worker });
  const file = must(await readKeeperFile(out));
  const plan = must(planReplacement(ledger, publicPartOf(file), leaving, why));
  await tellCandidate(out, file, ledger, plan);
  process.stdout.write(
    `Restart the keeper as it runs now, with --next-key ${out} besides: ${key} goes on until the ledger names the new key.\n`,
  );
};

const candidate = async (given: Of<'candidate'>) => {
  const { key, url, replaces, why } = given;
  if (replaces !== undefined && given.with)
    throw new Error('--replaces or --with: a step is one or the other');
  const file = must(await readKeeperFile(key));
  const own = publicPartOf(file);
  const ledger = must(await fetchLedger(url));
  const others = given.with && (await Promise.all(given.with.map(readPublicPart)));
  const again = must(await readCandidate(beside(key, 'candidate.json'), file));
  if (replaces !== undefined)
    return tellCandidate(key, file, ledger, must(planReplacement(ledger, own, replaces, why)));
  if (others) return tellCandidate(key, file, ledger, must(planThreeMore(ledger, own, others, why)));
  if (!again || why !== undefined)
    throw new Error(
      `which seat is it to be? --replaces NAME, one of ${ledger.keepers.map(({ name }) => name).join(', ')}, or --with the public parts of the two that come with it`,
    );
  if (again.net !== ledger.net)
    throw new Error(`${beside(key, 'candidate.json')} is for another ledger: say --replaces or --with`);
  return tellCandidate(key, file, ledger, again);
};

/** Writes it beside the key, and says what is to be done with it. */
const tellCandidate = async (key: string, file: KeeperFile, ledger: KnownLedger, plan: Plan) => {
  const path = beside(key, 'candidate.json');
  const text = await writeCandidate(path, ledger, keysOf(file).signer, plan);
  process.stdout.write(
    `${text}\n${path}: “${plan.description}”. Nothing in it is secret. It holds until this epoch of ${ledger.epochSeconds} seconds ends: paste it in a village under Wallet, Votes, Propose, Keepers. Later write it again:\n  npm run keeper -- candidate --key ${key} --url https://ANY-KEEPER\nA keeper that runs with this key has it fresh at /ledger/candidate, and signs again by itself until the vote is carried out.\n`,
  );
};

const readPublicPart = async (path: string): Promise<Keeper> => {
  const part = parsePublicPart(await readFile(path, 'utf8'));
  if (!part.ok) throw new Error(`${path}: ${part.error.message}`);
  return part.value;
};

const genesis = async (given: Of<'genesis'>) => {
  await refuseToReplace(given.out);
  const keepers = await Promise.all(given.keepers.map(readPublicPart));
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
  const genesis = must(await readGenesisFile(given.genesis));
  const file = must(await readKeeperFile(given.key));
  const next = given.nextKey === undefined ? undefined : must(await readKeeperFile(given.nextKey));
  if (next && given.restored)
    throw new Error(
      '--restored has the key of this data never vote again: run the new key alone, with --key and an empty data folder',
    );
  for (const each of next ? [file, next] : [file])
    must(await lockKey(keysOf(each).signer.publicKey, each.name));
  const asked = must(await readCandidate(beside(given.nextKey ?? given.key, 'candidate.json'), next ?? file));
  const server = createServer();
  const served = await serveKeeper(
    server,
    { log, timers: createNodeTimers({ holdsProcess: false }) },
    {
      genesis,
      keys: keysOf(file),
      ...(next ? { successor: keysOf(next) } : {}),
      ...(asked ? { candidate: asked } : {}),
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
  log('info', 'keeper', { name: file.name, net: driver.ledger().net, port: portOf(server.address()) });
  let isEnding = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (isEnding) process.exit(1); // asked twice: at once
      isEnding = true;
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
  rotate,
  candidate,
  status,
};

/** Its fault ends the command, which says it. */
const must = <T>(result: Result<T, Fault>): T => {
  if (result.ok) return result.value;
  throw new Error(result.error.message);
};

/** In the place of a key that is not made yet. */
const none = new Uint8Array(32);

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
