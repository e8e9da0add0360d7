import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { utf8 } from '../../src/core/bytes.ts';
import { sha256Bytes } from '../../src/core/hash.ts';
import { unwrap } from '../../src/core/result.ts';
import { accountIdOf } from '../../src/identity/index.ts';
import { netIdOf } from '../../src/ledger/genesis.ts';
import {
  encodeLedgerMessage,
  type FromKeeper,
  ledgerVersion,
  readFromKeeper,
  type ToKeeper,
} from '../../src/ledger/protocol.ts';
import { openBodyOf, operationOf, type Person } from '../../src/ledger/testDoubles.ts';
import type { Genesis, LedgerState, NetId, ReadOperation } from '../../src/ledger/types.ts';
import { createNodeTimers } from '../../src/platform/node/index.ts';
import { createSeedSigner } from './ed25519.ts';
import { createGenesis } from './genesisFile.ts';
import { createKeeperFile, type KeeperFile, keysOf, publicPartOf } from './keyFile.ts';
import { type ServedKeeper, type ServeKeeperOptions, serveKeeper } from './serve.ts';

/** A person whose signatures are real. */
export const createRealPerson = (name: string): Person => {
  const recovery = createSeedSigner(sha256Bytes(utf8(`recovery of ${name}`)));
  const device = createSeedSigner(sha256Bytes(utf8(`device of ${name}`)));
  return { id: accountIdOf(recovery.publicKey), recovery, device };
};

export const testKeeperFile = (name: string, url: string): KeeperFile => {
  const worker = createRealPerson(`worker of ${name}`).id;
  return createKeeperFile({ name, url, worker, secret: sha256Bytes(utf8(`secret of ${name}`)) }, 256);
};

/** Keepers of one ledger in this process, on ports of their own, with their data in a folder of their own. */
export interface Committee {
  readonly genesis: Genesis;
  readonly net: NetId;
  readonly keepers: readonly (ServedKeeper | undefined)[];
  readonly folder: string;
  readonly files: readonly KeeperFile[];
  urlOf(seat: number): string;
  stop(seat: number): Promise<void>;
  start(seat: number, given?: Partial<ServeKeeperOptions>): Promise<ServedKeeper>;
  close(): Promise<void>;
}

export const startCommittee = async (
  size: number,
  given: {
    readonly rich?: readonly Person[];
    readonly epochSeconds?: number;
    readonly options?: Partial<ServeKeeperOptions>;
  } = {},
): Promise<Committee> => {
  const folder = await mkdtemp(join(tmpdir(), 'aivillage-keepers-'));
  const ports = await freePorts(size);
  const files = ports.map((port, seat) =>
    testKeeperFile(`keeper ${seat}`, size === 1 ? '' : `ws://127.0.0.1:${port}/ledger`),
  );
  const genesis: Genesis = {
    ...createGenesis({
      name: 'test',
      time: 1_700_000_000_000,
      keepers: files.map(publicPartOf),
      host: createRealPerson('host').id,
      epochSeconds: given.epochSeconds ?? 600,
    }),
    allocations: (given.rich ?? []).map(({ id: account }) => ({ account, amount: 1_000_000_000 })),
  };
  const keepers: (ServedKeeper | undefined)[] = [];
  const start = async (seat: number, own: Partial<ServeKeeperOptions> = {}): Promise<ServedKeeper> => {
    const file = files[seat];
    if (!file) throw new RangeError(`no keeper ${seat}`);
    const server = createServer();
    const served = unwrap(
      await serveKeeper(
        server,
        { log: () => {}, timers: createNodeTimers({ holdsProcess: false }) },
        {
          genesis,
          keys: keysOf(file),
          dataFolder: join(folder, `${seat}`),
          messagesPerSecond: 1_000,
          origins: [],
          maxConnections: 100,
          maxConnectionsPerAddress: 100,
          ...given.options,
          ...own,
          machine: { graceMs: 0, batchMs: 10, ...given.options?.machine },
        },
      ),
    );
    await listen(server, ports[seat] ?? 0);
    keepers[seat] = served;
    return served;
  };
  await Promise.all(files.map((_, seat) => start(seat)));
  return {
    genesis,
    net: netIdOf(genesis),
    keepers,
    files,
    folder,
    urlOf: (seat) => `ws://127.0.0.1:${ports[seat]}/ledger`,
    async stop(seat) {
      await keepers[seat]?.close();
      keepers[seat] = undefined;
    },
    start,
    async close() {
      await Promise.all(keepers.map((keeper) => keeper?.close()));
      await rm(folder, { recursive: true });
    },
  };
};

/** Free a moment ago: a keeper's url is in the genesis, so its port is known before it listens. */
const freePorts = async (count: number): Promise<readonly number[]> => {
  const servers = await Promise.all(Array.from({ length: count }, () => listen(createServer(), 0)));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
};

const listen = (server: Server, port: number): Promise<Server> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });

/** A tab's end of a ledger socket, that keeps what it is told. */
export interface TestClient {
  readonly heard: readonly FromKeeper[];
  say(message: ToKeeper): void;
  raw(data: Uint8Array | string): void;
  submit(operation: ReadOperation): void;
  of<T extends FromKeeper['t']>(t: T): readonly Extract<FromKeeper, { t: T }>[];
  readonly closed: Promise<number>;
  close(): void;
}

export const openClient = async (
  url: string,
  hello?: { readonly net: NetId; readonly height: number },
  headers: Record<string, string> = {},
): Promise<TestClient> => {
  const socket = new WebSocket(url, { headers });
  const heard: FromKeeper[] = [];
  socket.on('message', (data: Buffer) => void heard.push(unwrap(readFromKeeper(new Uint8Array(data)))));
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  await new Promise((resolve, reject) => {
    socket.on('open', resolve);
    socket.on('error', reject);
  });
  socket.on('error', () => {});
  const say = (message: ToKeeper) => socket.send(encodeLedgerMessage(message));
  if (hello) say({ t: 'hello', v: ledgerVersion, ...hello });
  return {
    heard,
    say,
    raw: (data) => socket.send(data),
    submit: ({ bytes, signature }) => say({ t: 'submit', bytes, signature }),
    of: <T extends FromKeeper['t']>(t: T) =>
      heard.filter((message): message is Extract<FromKeeper, { t: T }> => message.t === t),
    closed,
    close: () => socket.terminate(),
  };
};

export const openingOf = (state: LedgerState, person: Person): ReadOperation =>
  operationOf(state, person.device, {
    account: person.id,
    kind: 'open',
    body: openBodyOf(person),
  });

export const transferOf = (
  state: LedgerState,
  person: Person,
  to: Person,
  amount: number,
  seq?: number,
): ReadOperation =>
  operationOf(state, person.device, {
    account: person.id,
    kind: 'transfer',
    body: { to: to.id, amount },
    ...(seq === undefined ? {} : { seq }),
  });
