import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findNatsServer, freePort, type NatsServer, startNatsServer } from '../../scripts/lib/natsServer.ts';
import { type Bus, busLimits } from '../../server/bus.ts';
import { type BusDouble, createBusNetwork } from '../../server/busDouble.ts';
import { createNatsBus } from '../../server/natsBus.ts';
import { createNodeRandom, createNodeTimers } from '../../src/platform/node/index.ts';

type World = {
  /** Connected, or on its way to be. */
  open(): Bus;
  /** The bus itself dies, and is there again. */
  stop(): Promise<void>;
  start(): Promise<void>;
  end(): Promise<void>;
};

const createMemoryWorld = async (): Promise<World> => {
  const network = createBusNetwork();
  const buses: BusDouble[] = [];
  return {
    open() {
      const bus = network.open();
      buses.push(bus);
      return bus;
    },
    stop: async () => {
      for (const bus of buses) bus.cut();
    },
    start: async () => {
      for (const bus of buses) bus.heal();
    },
    end: async () => {},
  };
};

const nats = findNatsServer();
const deps = { log: () => {}, timers: createNodeTimers(), random: createNodeRandom() };

const createNatsWorld = async (): Promise<World> => {
  const path = nats ?? '';
  const port = await freePort();
  let server = await startNatsServer(path, { port });
  const buses: Bus[] = [];
  return {
    open() {
      const bus = createNatsBus(deps, { servers: [`127.0.0.1:${port}`], tls: false });
      buses.push(bus);
      return bus;
    },
    stop: () => server.kill(),
    start: async () => {
      server = await startNatsServer(path, { port });
    },
    end: async () => {
      for (const bus of buses) await bus.close();
      await server.kill();
    },
  };
};

const worlds: [string, () => Promise<World>][] = [['in memory', createMemoryWorld]];
if (nats) worlds.push(['nats-server', createNatsWorld]);
const waitFor = { timeout: 10_000, interval: 5 };

describe.each(worlds)('bus: %s', { timeout: 30_000 }, (_name, createWorld) => {
  let world: World;
  beforeEach(async () => {
    world = await createWorld();
  });
  afterEach(() => world.end());

  const connected = async () => {
    const bus = world.open();
    await expect.poll(() => bus.state.get(), waitFor).toBe('connected');
    return bus;
  };
  /** What it hears on a subject, once it is sure to hear it. */
  const hear = async (bus: Bus, from: Bus, subject: string) => {
    const heard: string[] = [];
    const unsubscribe = bus.subscribe(subject, (bytes) => void heard.push(Buffer.from(bytes).toString()));
    await say(from, subject, heard);
    return { heard, unsubscribe };
  };
  /** Until it was heard once: a subscription needs its time to be known. */
  const say = async (from: Bus, subject: string, heard: string[]) => {
    await expect
      .poll(() => {
        from.publish(subject, Buffer.from('there?'));
        return heard.length;
      }, waitFor)
      .toBeGreaterThan(0);
    from.publish(subject, Buffer.from('yes'));
    await expect.poll(() => heard.at(-1), waitFor).toBe('yes');
    heard.length = 0;
  };

  it('brings what is published to the others in order, whole, and to no other subject', async () => {
    const [ana, ben, cleo] = [await connected(), await connected(), await connected()];
    const [atBen, atCleo] = [await hear(ben, ana, 'news.one'), await hear(cleo, ana, 'news.one')];
    const elsewhere = await hear(ben, ana, 'news.two');
    for (let n = 0; n < 500; n++) expect(ana.publish('news.one', Buffer.from(`message ${n}`))).toBe(true);
    const all = Array.from({ length: 500 }, (_, n) => `message ${n}`);
    const messages = (heard: readonly string[]) => heard.filter((text) => text.startsWith('message'));
    for (const { heard } of [atBen, atCleo]) await expect.poll(() => messages(heard), waitFor).toEqual(all);
    expect(messages(elsewhere.heard)).toEqual([]);
  });

  it('brings bytes as they are, none and many', async () => {
    const [ana, ben] = [await connected(), await connected()];
    await hear(ben, ana, 'bytes');
    const heard: Uint8Array[] = [];
    ben.subscribe('bytes', (bytes) => void heard.push(new Uint8Array(bytes)));
    const many = Uint8Array.from({ length: 64 * 1024 }, (_, i) => (i * 7) % 256);
    await expect
      .poll(() => {
        ana.publish('bytes', many);
        return heard.length;
      }, waitFor)
      .toBeGreaterThan(0);
    expect(heard.every((bytes) => Buffer.from(bytes).equals(many))).toBe(true);
    ana.publish('bytes', new Uint8Array(0));
    await expect.poll(() => heard.at(-1)?.byteLength, waitFor).toBe(0);
  });

  it('does not tell somebody what it said itself, nor who has stopped listening', async () => {
    const [ana, ben] = [await connected(), await connected()];
    const own: string[] = [];
    ana.subscribe('echo', (bytes) => void own.push(Buffer.from(bytes).toString()));
    const one = await hear(ben, ana, 'echo');
    const other = await hear(ben, ana, 'echo');
    one.unsubscribe();
    one.unsubscribe();
    ana.publish('echo', Buffer.from('last'));
    await expect.poll(() => other.heard, waitFor).toEqual(['last']);
    expect([own, one.heard.filter((text) => text === 'last')]).toEqual([[], []]);
  });

  it('is away when its server dies, takes nothing, and is back with it and with all who listened', async () => {
    const [ana, ben] = [await connected(), await connected()];
    const { heard } = await hear(ben, ana, 'news');
    const states: string[] = [];
    ana.state.subscribe((state) => void states.push(state));
    await world.stop();
    for (const bus of [ana, ben]) await expect.poll(() => bus.state.get(), waitFor).toBe('away');
    expect(ana.publish('news', Buffer.from('lost'))).toBe(false);
    expect(ana.waitingBytes()).toBe(0);
    const later: string[] = [];
    ben.subscribe('later', (bytes) => void later.push(Buffer.from(bytes).toString()));
    await world.start();
    for (const bus of [ana, ben]) await expect.poll(() => bus.state.get(), waitFor).toBe('connected');
    await say(ana, 'news', heard);
    await say(ana, 'later', later);
    expect(heard).not.toContain('lost');
    expect(states).toEqual(['away', 'connected']);
  });

  it('is closed once and for all, and what was said before still arrives', async () => {
    const [ana, ben] = [await connected(), await connected()];
    const { heard } = await hear(ben, ana, 'news');
    ana.publish('news', Buffer.from('goodbye'));
    await Promise.all([ana.close(), ana.close()]);
    await expect.poll(() => heard, waitFor).toEqual(['goodbye']);
    expect([ana.state.get(), ana.publish('news', Buffer.from('ghost'))]).toEqual(['away', false]);
  });

  it('knows after a while that what was said has been taken', async () => {
    const ana = await connected();
    for (let n = 0; n < 100; n++) ana.publish('news', new Uint8Array(10_000));
    await expect.poll(() => ana.waitingBytes(), waitFor).toBe(0);
  });
});

describe.skipIf(!nats)(
  'bus over nats-server (skipped where it is not installed)',
  { timeout: 30_000 },
  () => {
    const running: NatsServer[] = [];
    afterEach(async () => {
      for (const server of running.splice(0)) await server.kill();
    });
    const start = async (options?: Parameters<typeof startNatsServer>[1]) => {
      const server = await startNatsServer(nats ?? '', options);
      running.push(server);
      return server;
    };

    it('may be opened before its server is there', async () => {
      const port = await freePort();
      const bus = createNatsBus(deps, { servers: [`127.0.0.1:${port}`], tls: false });
      expect([bus.state.get(), bus.publish('news', new Uint8Array(1))]).toEqual(['away', false]);
      await start({ port });
      await expect.poll(() => bus.state.get(), waitFor).toBe('connected');
      await bus.close();
    });

    it('can be closed while nobody answers, and leaves nothing behind', async () => {
      const bus = createNatsBus(deps, { servers: [`127.0.0.1:${await freePort()}`], tls: false });
      await bus.close();
      expect(bus.state.get()).toBe('away');
    });

    it('logs in, and tells nobody how', async () => {
      const login = { user: 'village', pass: 'a secret word' };
      const server = await start({ login });
      const servers = [`127.0.0.1:${server.port}`];
      const lines: string[] = [];
      const log = (level: string, message: string, fields?: object) =>
        void lines.push(`${level} ${message} ${JSON.stringify(fields)}`);
      const wrong = createNatsBus(
        { ...deps, log },
        { servers, tls: false, login: { ...login, pass: 'wrong' } },
      );
      const right = createNatsBus({ ...deps, log }, { servers, tls: false, login });
      await expect.poll(() => right.state.get(), waitFor).toBe('connected');
      expect(wrong.state.get()).toBe('away');
      await expect.poll(() => lines.join('\n'), waitFor).toContain('can not be reached');
      for (const bus of [wrong, right]) await bus.close();
      expect(lines.join('\n')).not.toMatch(/secret word|wrong/);
    });

    it('takes no more than it can hold while its server does not read', async () => {
      const server = await start();
      const bus = createNatsBus(deps, { servers: [`127.0.0.1:${server.port}`], tls: false });
      await expect.poll(() => bus.state.get(), waitFor).toBe('connected');
      let taken = 0;
      while (bus.publish('news', new Uint8Array(64 * 1024))) taken += 64 * 1024; // no turn for the server in between
      expect(taken).toBeLessThanOrEqual(busLimits.maxWaitingBytes);
      expect(taken).toBeGreaterThan(busLimits.maxWaitingBytes / 2);
      await expect.poll(() => bus.publish('news', new Uint8Array(1)), waitFor).toBe(true);
      await bus.close();
    });
  },
);
