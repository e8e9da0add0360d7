/** Four keepers as operators run them: processes of their own, made by their own commands, with disks and sockets of this machine. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../../scripts/lib/village.ts';
import type { AccountId } from '../../src/core/brand.ts';
import { unwrap } from '../../src/core/result.ts';
import { readGenesis } from '../../src/ledger/readGenesis.ts';
import type { Genesis } from '../../src/ledger/types.ts';

/** What a keeper says at /ledger/status, as far as it is needed here. */
export type KeeperStatus = {
  readonly height: number;
  readonly head: string;
  readonly epoch: number;
  readonly phase: string;
};

export interface Committee {
  readonly genesis: Genesis;
  readonly size: number;
  socketUrl(seat: number): string;
  status(seat: number): Promise<KeeperStatus | undefined>;
  /** One of the numbers at /metrics. */
  metric(seat: number, name: string): Promise<number>;
  /** Milliseconds of processor time since its start, where the system tells (Linux). */
  cpuMs(seat: number): Promise<number | undefined>;
  start(seat: number): Promise<void>;
  /** As a power cut does it, but for what the system has been given to write. */
  kill(seat: number): Promise<void>;
  close(): Promise<void>;
}

type CommitteeOptions = {
  readonly size: number;
  readonly allocations: readonly { readonly account: AccountId; readonly vcoin: number }[];
  readonly epochSeconds: number;
};

/** Options for the keepers' Node, like --cpu-prof --cpu-prof-dir=FOLDER: what they do with their time. */
const nodeOptions = process.env['LEDGER_BENCH_NODE']?.split(' ') ?? [];
/** Of one machine come all tabs of this bench: the usual limit is per address. */
const messagesPerSecond = 10_000;

export const startCommittee = async (options: CommitteeOptions): Promise<Committee> => {
  const folder = await mkdtemp(join(tmpdir(), 'aivillage-ledger-'));
  const ports = await freePorts(options.size);
  const genesis = await makeGenesis(folder, ports, options);
  const processes = new Map<number, ChildProcess>();

  const status: Committee['status'] = async (seat) => {
    try {
      return (await (await fetch(`http://127.0.0.1:${ports[seat]}/ledger/status`)).json()) as KeeperStatus;
    } catch {
      return undefined; // it doesn't listen
    }
  };
  const start: Committee['start'] = async (seat) => {
    const child = spawn(
      process.execPath,
      [
        ...nodeOptions,
        `${root}dist/server/keeper.js`,
        'run',
        ...['--genesis', 'genesis.cbor', '--key', `${seat}.json`, '--data', `data-${seat}`],
        ...['--port', `${ports[seat]}`, '--messages-per-second', `${messagesPerSecond}`],
      ],
      { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    processes.set(seat, child);
    child.stderr?.on('data', (data: Buffer) => {
      for (const line of data.toString().split('\n')) if (/"(error|warn)"/.test(line)) console.error(line);
    });
    await until(`keeper ${seat} listens`, async () => {
      if (child.exitCode !== null) throw new Error(`keeper ${seat} ended with ${child.exitCode}`);
      return (await status(seat)) !== undefined;
    });
  };
  const end = async (seat: number, signal: NodeJS.Signals) => {
    const child = processes.get(seat);
    processes.delete(seat);
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  };
  const committee: Committee = {
    genesis,
    size: options.size,
    socketUrl: (seat) => `ws://127.0.0.1:${ports[seat]}/ledger`,
    status,
    async metric(seat, name) {
      const text = await (await fetch(`http://127.0.0.1:${ports[seat]}/metrics`)).text();
      const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1];
      if (value === undefined) throw new Error(`/metrics has no ${name}`);
      return Number(value);
    },
    cpuMs: (seat) => cpuOf(processes.get(seat)?.pid),
    start,
    kill: (seat) => end(seat, 'SIGKILL'),
    async close() {
      await Promise.all([...processes.keys()].map((seat) => end(seat, 'SIGTERM')));
      await rm(folder, { recursive: true });
    },
  };
  await Promise.all(ports.map((_, seat) => start(seat)));
  await until('all keepers vote', async () => {
    const all = await Promise.all(ports.map((_, seat) => status(seat)));
    return all.every((each) => each?.phase === 'voting');
  });
  return committee;
};

const makeGenesis = async (
  folder: string,
  ports: readonly number[],
  { allocations, epochSeconds }: CommitteeOptions,
): Promise<Genesis> => {
  const keeper = (...args: readonly string[]) =>
    promisify(execFile)(process.execPath, [`${root}dist/server/keeper.js`, ...args], { cwd: folder });
  await Promise.all(
    ports.map((port, seat) =>
      keeper(
        'init',
        ...['--name', `keeper ${seat}`, '--url', `ws://127.0.0.1:${port}/ledger`, '--out', `${seat}.json`],
      ),
    ),
  );
  await keeper(
    'genesis',
    ...['--name', 'bench', '--out', 'genesis.cbor', '--epoch-seconds', `${epochSeconds}`],
    ...['--keepers', ports.map((_, seat) => `${seat}.public.json`).join(',')],
    ...['--allocate', allocations.map(({ account, vcoin }) => `${account}:${vcoin}`).join(',')],
  );
  return unwrap(readGenesis(new Uint8Array(await readFile(join(folder, 'genesis.cbor')))));
};

/** Fields 14 and 15 of proc(5)'s stat, in ticks of a hundredth of a second; the name before them may hold spaces. */
const cpuOf = async (pid: number | undefined): Promise<number | undefined> => {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields && (Number(fields[11]) + Number(fields[12])) * 10;
};

/** Free a moment ago: a keeper's url is in the genesis, so its port is known before it listens. */
const freePorts = async (count: number): Promise<readonly number[]> => {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
};

export const until = async (what: string, isSo: () => Promise<boolean>, seconds = 60): Promise<void> => {
  const end = performance.now() + seconds * 1_000;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`waited ${seconds} s in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};
