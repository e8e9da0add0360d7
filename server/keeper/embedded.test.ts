import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { unwrap } from '../../src/core/result.ts';
import { accountIdOf, parseRecoveryKey } from '../../src/identity/index.ts';
import { parseCandidates } from '../../src/ledger/candidate.ts';
import { genesisBytes, netIdOf } from '../../src/ledger/genesis.ts';
import { readGenesis } from '../../src/ledger/readGenesis.ts';
import type { ServerConfig } from '../config.ts';
import { type RunningServer, startServer } from '../server.ts';
import { testConfig } from '../testDoubles.ts';
import { createSeedSigner } from './ed25519.ts';
import { createGenesis } from './genesisFile.ts';
import { fetchLedger, planReplacement, writeCandidate } from './joining.ts';
import { keysOf, publicPartOf, writeKeeperFile } from './keyFile.ts';
import { createRealPerson, openClient, testKeeperFile } from './testDoubles.ts';

let folder: string;
let server: RunningServer | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aivillage-village-'));
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  await rm(folder, { recursive: true });
});

const start = async (ledger: ServerConfig['ledger']) => {
  server = await startServer(
    { ...testConfig, dataFolder: folder, ledger },
    { log: () => {}, clientFolder: '/nonexistent' },
  );
  return server;
};
const embedded = { kind: 'embedded', epochSeconds: 600 } as const;
const get = (path: string) => fetch(`http://127.0.0.1:${server?.port}${path}`);
const genesisServed = async () =>
  unwrap(readGenesis(new Uint8Array(await (await get('/ledger/genesis')).arrayBuffer())));

describe('a village that keeps its own ledger', { timeout: 30_000 }, () => {
  it('begins one with a single keeper, and goes on with it ever after', async () => {
    await start(embedded);
    const genesis = await genesisServed();
    expect(genesis).toMatchObject({ treasury: 1_000_000_000_000, allocations: [], keepers: [{ url: '' }] });
    await server?.close();
    await start({ ...embedded, epochSeconds: 5 });
    expect(netIdOf(await genesisServed())).toBe(netIdOf(genesis));
  });

  it('says where the key of its host lies, which is for its user alone', async () => {
    const { hostKeyFile = '' } = await start(embedded);
    expect((await stat(hostKeyFile)).mode & 0o777).toBe(0o600);
    const seed = unwrap(parseRecoveryKey(await readFile(hostKeyFile, 'utf8')));
    expect((await genesisServed()).host).toBe(accountIdOf(createSeedSigner(seed).publicKey));
  });

  it('serves its socket, and tells operators how it is', async () => {
    const { port } = await start(embedded);
    const net = netIdOf(await genesisServed());
    const client = await openClient(`ws://127.0.0.1:${port}/ledger`, { net, height: 0 });
    await expect.poll(() => client.of('status')).toHaveLength(1);
    client.close();
    expect(await (await get('/ledger/status')).json()).toMatchObject({
      net,
      height: 0,
      keepers: [{ is: 'this one' }],
    });
    expect(await (await get('/metrics')).text()).toMatch(/aivillage_ledger_height 0\n/);
  });

  it('finds the key that is to follow its own, and has what it asks for', async () => {
    const { port } = await start(embedded);
    const known = unwrap(await fetchLedger(`http://127.0.0.1:${port}`));
    expect((await get('/ledger/candidate')).headers.get('content-type')).not.toContain('json');
    await server?.close();
    const next = testKeeperFile('host', '');
    await writeKeeperFile(join(folder, 'ledger/keeper.next.json'), next);
    const plan = unwrap(planReplacement(known, publicPartOf(next), 'host', undefined));
    const path = join(folder, 'ledger/keeper.next.candidate.json');
    await writeCandidate(path, known, keysOf(next).signer, plan);
    await start(embedded);
    const [asked] = unwrap(parseCandidates(await (await get('/ledger/candidate')).text()));
    expect(asked).toMatchObject({ description: 'host changes its key', add: [publicPartOf(next)] });
    await server?.close();
    server = undefined;
    await writeFile(path, '{}');
    await expect(start(embedded)).rejects.toThrow(/keeper.next.candidate.json/);
  });

  it('does not begin another where the first can not be read', async () => {
    await start(embedded);
    await server?.close();
    server = undefined;
    await writeFile(join(folder, 'ledger/genesis.base64'), 'AAAA');
    await expect(start(embedded)).rejects.toThrow(/damaged/);
    await rm(join(folder, 'ledger/genesis.base64'));
    await expect(start(embedded)).rejects.toThrow(/put back/);
  });
});

describe('a village whose ledger is elsewhere, or nowhere', () => {
  it('serves the genesis, and lets the page reach the keepers and nobody else', async () => {
    const keepers = ['a', 'b', 'c', 'd'].map((name) =>
      publicPartOf(testKeeperFile(name, `wss://${name}.example/ledger`)),
    );
    const genesis = createGenesis({ name: 'g', time: 0, keepers, host: createRealPerson('host').id });
    const genesisFile = join(folder, 'genesis.cbor');
    await writeFile(genesisFile, genesisBytes(genesis));
    const { port } = await start({ kind: 'elsewhere', genesisFile });
    expect(await genesisServed()).toEqual(genesis);
    const policy = (await get('/')).headers.get('content-security-policy');
    expect(policy).toContain("connect-src 'self' blob: data: wss://a.example wss://b.example");
    await expect(openClient(`ws://127.0.0.1:${port}/ledger`)).rejects.toThrow('404');
  });

  it('does not start with a genesis that is none', async () => {
    const genesisFile = join(folder, 'genesis.cbor');
    await writeFile(genesisFile, 'none');
    await expect(start({ kind: 'elsewhere', genesisFile })).rejects.toThrow(/AIVILLAGE_LEDGER_GENESIS/);
  });

  it('has nothing of it if it is off', async () => {
    const { port } = await start({ kind: 'off' });
    expect((await get('/ledger/genesis')).status).toBe(204);
    await expect(openClient(`ws://127.0.0.1:${port}/ledger`)).rejects.toThrow('404');
  });
});
