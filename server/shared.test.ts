import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTab, type Tab } from '../bench/signaling/tabs.ts';
import { findNatsServer, type NatsServer, startNatsServer } from '../scripts/lib/natsServer.ts';
import type { RoomId } from '../src/core/brand.ts';
import { createNodeCrypto } from '../src/platform/node/index.ts';
import { type RunningServer, startServer } from './server.ts';
import { testConfig } from './testDoubles.ts';

const room = 'r'.repeat(43) as RoomId;
const path = findNatsServer();
const waitFor = { timeout: 10_000, interval: 20 };
const quiet = { log: () => {}, clientFolder: '/nonexistent' };

describe.skipIf(!path)(
  'two servers over nats-server (skipped where it is not installed)',
  { timeout: 40_000 },
  () => {
    let nats: NatsServer;
    let servers: [RunningServer, RunningServer];
    const tabs: Tab[] = [];

    beforeEach(async () => {
      nats = await startNatsServer(path ?? '');
      const config = {
        ...testConfig,
        maxPeersPerRoom: 100,
        bus: { servers: [`127.0.0.1:${nats.port}`], tls: false },
      };
      servers = [await startServer(config, quiet), await startServer(config, quiet)];
      for (const { port } of servers)
        await expect.poll(() => metric(port, 'aivillage_bus_processes'), waitFor).toBe(1);
    });
    afterEach(async () => {
      for (const tab of tabs.splice(0)) tab.close();
      for (const server of servers) await server.close();
      await nats.kill();
    });

    const metric = async (port: number, name: string) => {
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
    };
    const join = async ({ port }: RunningServer, signer?: Awaited<ReturnType<typeof newKey>>) => {
      const tab = await openTab({
        port,
        room,
        signer: signer ?? (await newKey()),
        localAddress: '127.0.0.1',
      });
      tabs.push(tab);
      return tab;
    };
    const newKey = () => createNodeCrypto().generateSigningKey();
    /** Asks again and again, as a tab that dials does. */
    const reaches = async (from: Tab, to: Tab) => {
      const heard: string[] = [];
      to.onRelay = (message) => void heard.push(message.from);
      await expect
        .poll(() => {
          from.relay(to.peer, new Uint8Array([1]));
          return heard;
        }, waitFor)
        .toContain(from.peer);
    };

    it('are one room, before and after the death of nats-server, and nobody reconnects', async () => {
      const [ana, ben] = [await join(servers[0]), await join(servers[1])];
      await reaches(ana, ben);
      await reaches(ben, ana);
      await nats.kill();
      const health = async () => (await fetch(`http://127.0.0.1:${servers[0].port}/healthz`)).json();
      await expect.poll(health, waitFor).toMatchObject({ status: 'ok', bus: 'away' });
      const cleo = await join(servers[0]);
      await reaches(cleo, ana);
      nats = await startNatsServer(path ?? '', { port: nats.port });
      await reaches(ben, cleo);
      await reaches(cleo, ben);
      await expect.poll(health, waitFor).toMatchObject({ status: 'ok', bus: 'connected' });
      expect([ana, ben, cleo].map((tab) => tab.isClosed())).toEqual([false, false, false]);
    });

    it('move the tabs of the one that is taken down to the other', async () => {
      const keys = await Promise.all(Array.from({ length: 20 }, newKey));
      const stays = await join(servers[1]);
      const moving = [];
      for (const key of keys) moving.push(await join(servers[0], key));
      await expect.poll(() => stays.others(), waitFor).toBe(20);
      const closing = servers[0].close();
      const moved = await Promise.all(
        moving.map(async (tab, i) => {
          await expect.poll(() => tab.isClosed(), waitFor).toBe(true);
          return join(servers[1], keys[i]);
        }),
      );
      await closing;
      expect(await stays.others()).toBe(20);
      for (const tab of moved) await reaches(stays, tab);
      await expect.poll(() => metric(servers[1].port, 'aivillage_bus_processes'), waitFor).toBe(0);
    });
  },
);
