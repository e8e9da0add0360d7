import { join } from 'node:path';
import type { Timers } from '../../src/core/ports/timers.ts';
import { accountIdOf, formatRecoveryKey, parseRecoveryKey } from '../../src/identity/index.ts';
import { genesisBytes } from '../../src/ledger/genesis.ts';
import { readGenesis } from '../../src/ledger/readGenesis.ts';
import type { Genesis } from '../../src/ledger/types.ts';
import { createNodeRandom } from '../../src/platform/node/index.ts';
import type { LedgerConfig, ServerConfig } from '../config.ts';
import type { DynamicPage } from '../http.ts';
import { keep, keepFirst, readKept } from '../keep.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import { createSeedSigner } from './ed25519.ts';
import { createGenesis, originsOf, readGenesisFile } from './genesisFile.ts';
import { readCandidate } from './joining.ts';
import { createKeeperFile, keysOf, publicPartOf, readKeeperFile, writeKeeperFile } from './keyFile.ts';
import { genesisPage } from './pages.ts';
import { type KeeperService, type KeeperServiceOptions, openKeeperService } from './service.ts';

/** What a village's server has of a ledger. */
export type ServedLedger = {
  readonly keeper: KeeperService | undefined;
  readonly pages: Readonly<Record<string, DynamicPage>>;
  readonly connect: () => readonly string[];
  readonly hostKeyFile?: string;
};

export type LedgerDeps = {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly timers: Timers;
  readonly now: () => number;
};

/** Throws with what to do if there is a ledger that can't be opened: a village must not begin a second one unseen. */
export const openLedger = async (
  deps: LedgerDeps,
  config: Pick<ServerConfig, 'ledger' | 'dataFolder'>,
): Promise<ServedLedger> => {
  const { ledger } = config;
  if (ledger.kind === 'off') return { keeper: undefined, pages: noLedger, connect: () => [] };
  if (ledger.kind === 'elsewhere') return openElsewhere(ledger);
  return openEmbedded(deps, join(config.dataFolder, 'ledger'), ledger);
};

const openElsewhere = async ({
  genesisFile,
}: Extract<LedgerConfig, { kind: 'elsewhere' }>): Promise<ServedLedger> => {
  const genesis = await readGenesisFile(genesisFile);
  if (!genesis.ok) throw new Error(`AIVILLAGE_LEDGER_GENESIS: ${genesis.error.message}`);
  const origins = originsOf(genesis.value.keepers);
  return {
    keeper: undefined,
    pages: { '/ledger/genesis': genesisPage(genesis.value) },
    connect: () => origins,
  };
};

/** One keeper in this process: whoever uses it trusts this host to order, not to invent. */
const openEmbedded = async (
  deps: LedgerDeps,
  folder: string,
  { epochSeconds }: Extract<LedgerConfig, { kind: 'embedded' }>,
): Promise<ServedLedger> => {
  const keyFile = join(folder, 'keeper.json');
  const hostKeyFile = join(folder, 'host-recovery-key.txt');
  // A genesis without its keeper is one whose beginning was interrupted: nobody has ever seen it.
  const hasBegun = (await readKept(keyFile)) !== undefined;
  const begun = hasBegun ? await openGenesis(folder) : await beginLedger(deps, folder, epochSeconds);
  const file = await readKeeperFile(keyFile);
  if (!file.ok) throw new Error(`${file.error.message}. Without its key this ledger can not go on`);
  const service = await openKeeperService(deps, {
    genesis: begun,
    keys: keysOf(file.value),
    ...(await readSuccessor(folder)),
    dataFolder: join(folder, 'data'),
    messagesPerSecond: 50,
  });
  if (!service.ok) throw new Error(service.error.message);
  const { driver, pages } = service.value;
  return {
    keeper: service.value,
    pages,
    connect: () => originsOf(driver.ledger().keepers),
    hostKeyFile,
  };
};

/** `keeper rotate --out keeper.next.json` in this folder: found at the next start. */
const readSuccessor = async (
  folder: string,
): Promise<Pick<KeeperServiceOptions, 'successor' | 'candidate'>> => {
  const path = join(folder, 'keeper.next.json');
  if ((await readKept(path)) === undefined) return {};
  const file = await readKeeperFile(path);
  if (!file.ok)
    throw new Error(`${file.error.message}. Without the new key remove the file, and make another`);
  const asked = await readCandidate(join(folder, 'keeper.next.candidate.json'), file.value);
  if (!asked.ok) throw new Error(asked.error.message);
  return { successor: keysOf(file.value), ...(asked.value ? { candidate: asked.value } : {}) };
};

const genesisPath = (folder: string) => join(folder, 'genesis.base64');

const openGenesis = async (folder: string): Promise<Genesis> => {
  const text = await readKept(genesisPath(folder));
  if (text === undefined)
    throw new Error(
      `${folder} has a keeper's key, and not the ledger it belongs to: put back ${genesisPath(folder)}, or move the folder away to begin another`,
    );
  const genesis = readGenesis(new Uint8Array(Buffer.from(text, 'base64')));
  if (!genesis.ok) throw new Error(`${genesisPath(folder)} is damaged: ${genesis.error.message}`);
  return genesis.value;
};

/** Nothing, said with success: a page asks every host, and this is no error of anybody. */
const noLedger = { '/ledger/genesis': () => ({ status: 204, type: 'application/cbor', body: '' }) };

/** The host's key first, the keeper's last: where that is, a ledger was begun. */
const beginLedger = async (
  { now, log }: LedgerDeps,
  folder: string,
  epochSeconds: number,
): Promise<Genesis> => {
  const random = createNodeRandom();
  const path = join(folder, 'host-recovery-key.txt');
  const text = await keepFirst(path, `${formatRecoveryKey(random.bytes(32))}\n`);
  const seed = parseRecoveryKey(text);
  if (!seed.ok) throw new Error(`${path}: ${seed.error.message}`);
  const host = accountIdOf(createSeedSigner(seed.value).publicKey);
  const keeper = createKeeperFile({ name: 'host', url: '', worker: host, secret: random.bytes(32) });
  const genesis = createGenesis({
    name: 'AIVillage',
    time: now(),
    keepers: [publicPartOf(keeper)],
    host,
    epochSeconds,
  });
  await keep(genesisPath(folder), Buffer.from(genesisBytes(genesis)).toString('base64'));
  await writeKeeperFile(join(folder, 'keeper.json'), keeper);
  log('info', 'a ledger was begun', { folder });
  return genesis;
};
