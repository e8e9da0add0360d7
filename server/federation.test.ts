import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PeerId, RoomId } from '../src/core/brand.ts';
import { unwrap } from '../src/core/result.ts';
import { createBusNetwork } from './busDouble.ts';
import { decodeBusMessage, encodeBusMessage, type ProcessId, subjects } from './busProtocol.ts';
import { carryLimits } from './carrying.ts';
import { longestHoldMs } from './holds.ts';
import { processLimits } from './otherProcesses.ts';
import { createHubForTests } from './testDoubles.ts';

const room = 'r'.repeat(43) as RoomId;
const otherRoom = 's'.repeat(43) as RoomId;
const manyRooms = Array.from({ length: 60 }, (_, i) => `${i}`.padStart(43, 'm') as RoomId);
const stranger = 'x'.repeat(22) as ProcessId;
const payload = new Uint8Array([1, 2, 3]);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Time passes, and what is on the bus arrives. */
const pass = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

type Options = Parameters<typeof createHubForTests>[0];

/** Server processes on one bus. */
const open = async (count: number, options: Options = {}) => {
  const network = createBusNetwork();
  const processes = Array.from({ length: count }, () => {
    const bus = network.open();
    return { bus, ...createHubForTests(options, bus) };
  });
  await pass();
  return { network, processes: processes as [Process, Process, Process] };
};
type Process = ReturnType<typeof createHubForTests> & {
  bus: ReturnType<ReturnType<typeof createBusNetwork>['open']>;
};

const join = async (process: Process, where = room, signer?: Parameters<Process['join']>[1]) => {
  const tab = await process.join(where, signer);
  await pass();
  return tab;
};
type Tab = Awaited<ReturnType<typeof join>>;

const find = (tab: Tab) => {
  tab.say({ t: 'find' });
  const found = tab.last();
  if (found?.t !== 'found') throw new Error(`no answer to find but ${found?.t}`);
  return { peers: [...found.peers].sort(), others: found.others };
};
const peersOf = (...tabs: Tab[]) => tabs.map(({ peer }) => peer).sort();

describe('a room at several processes', () => {
  it('is one room: tabs are named to each other, and reach each other both ways', async () => {
    const { processes } = await open(2);
    const [ana, ben] = [await join(processes[0]), await join(processes[1])];
    expect([find(ana), find(ben)]).toEqual([
      { peers: [ben.peer], others: 1 },
      { peers: [ana.peer], others: 1 },
    ]);
    ana.say({ t: 'relay', to: ben.peer, payload });
    ben.say({ t: 'relay', to: ana.peer, payload });
    await pass();
    expect(ben.last()).toMatchObject({ t: 'relay', from: ana.peer, payload });
    expect(ana.last()).toMatchObject({ t: 'relay', from: ben.peer, payload });
  });

  it('tells the first tab of a process of those at others as soon as they are known', async () => {
    const { processes } = await open(3);
    const [ana, ben] = [await join(processes[0]), await join(processes[1])];
    const cleo = await join(processes[2]);
    expect(cleo.wire.messages.map(({ t }) => t)).toEqual(['challenge', 'welcome', 'found']);
    expect(find(cleo).peers).toEqual(peersOf(ana, ben));
  });

  it('draws eight of all, wherever they are', async () => {
    const { processes } = await open(3, { maxPeersPerRoom: 100 });
    for (let i = 0; i < 30; i++) await join(processes[i % 3] as Process);
    const tab = await join(processes[0]);
    const seen = new Set<string>();
    for (let i = 0; i < 40; i++) {
      const { peers, others } = find(tab);
      expect([new Set(peers).size, others]).toEqual([8, 30]);
      for (const peer of peers) seen.add(peer);
    }
    expect(seen.size).toBe(30);
  });

  it('is known only where somebody is in it, and forgotten when the last one leaves', async () => {
    const { processes } = await open(2);
    await join(processes[0]);
    await join(processes[0], otherRoom);
    const ben = await join(processes[1]);
    expect(processes[1].hub.load()).toMatchObject({ rooms: 1, peers: 1, elsewhere: 1 });
    ben.session.closed();
    await pass();
    expect(processes[1].hub.load()).toMatchObject({ rooms: 0, peers: 0, elsewhere: 0 });
    expect(processes[0].hub.load()).toMatchObject({ rooms: 2, peers: 2, elsewhere: 0 });
    const written = processes[1].bus.published.length;
    await join(processes[0]);
    expect(processes[1].bus.published.length).toBe(written);
  });

  it('passes a relay to the one process where its receiver is', async () => {
    const { processes } = await open(3);
    const [ana, ben, cleo] = [await join(processes[0]), await join(processes[1]), await join(processes[2])];
    const heard = processes[2].metrics.render();
    ana.say({ t: 'relay', to: ben.peer, payload });
    await pass();
    expect(processes[2].metrics.render()).toBe(heard);
    expect(cleo.wire.messages.some(({ t }) => t === 'relay')).toBe(false);
  });

  it('says gone of who has left, at once and from the process where it was', async () => {
    const { processes } = await open(2);
    const [ana, ben] = [await join(processes[0]), await join(processes[1])];
    await join(processes[1]);
    ben.session.closed();
    ana.say({ t: 'relay', to: ben.peer, payload }); // the goodbye is still on its way
    await pass();
    expect(ana.last()).toEqual({ t: 'gone', peer: ben.peer });
    const before = processes[0].bus.published.length;
    ana.say({ t: 'relay', to: ben.peer, payload });
    expect(ana.last()).toEqual({ t: 'gone', peer: ben.peer });
    expect(processes[0].bus.published.length).toBe(before);
  });

  it('has its limit over all processes', async () => {
    const { processes } = await open(2, { maxPeersPerRoom: 3 });
    const [ana] = [await join(processes[0]), await join(processes[1]), await join(processes[0])];
    expect((await join(processes[1])).last()).toMatchObject({ t: 'refused', code: 'room-full' });
    ana.session.closed();
    await pass();
    expect((await join(processes[1])).wire.messages[1]).toMatchObject({ t: 'welcome', others: 2 });
  });

  it('holds a tab once: where it came last', async () => {
    const { processes } = await open(3);
    const [ana, ben] = [await join(processes[0]), await join(processes[1])];
    await pass(5);
    const again = await join(processes[2], room, ben.signer);
    expect(ben.last()).toMatchObject({ t: 'refused', code: 'duplicate' });
    expect(again.wire.ends).toEqual([]);
    ben.session.closed();
    await pass();
    expect(find(ana)).toEqual({ peers: [ben.peer], others: 1 });
    ana.say({ t: 'relay', to: ben.peer, payload });
    await pass();
    expect(again.last()).toMatchObject({ t: 'relay', from: ana.peer });
  });

  it('does not end a newer connection by old news', async () => {
    const { processes } = await open(2);
    const ben = await join(processes[0]);
    const [news] = processes[0].bus.published.filter(({ subject }) => subject === subjects.room(room));
    await pass(10);
    const again = await processes[1].join(room, ben.signer);
    processes[0].bus.publish(subjects.room(room), news?.bytes ?? payload);
    await pass();
    expect(again.wire.ends).toEqual([]);
    expect(ben.last()).toMatchObject({ code: 'duplicate' });
  });

  it('names networks alike at all processes, by the key of the eldest, also after that one has gone', async () => {
    const network = createBusNetwork();
    const first = { bus: network.open() };
    const eldest = createHubForTests({}, first.bus);
    await pass(1_000);
    const others = [network.open(), network.open()].map((bus) => createHubForTests({}, bus));
    await pass(1_000);
    eldest.hub.close();
    await pass();
    const [here, there] = others as [Process, Process];
    const ana = await here.join(room, undefined, '203.0.113.7');
    const ben = await there.join(room, undefined, '203.0.99.1');
    const cleo = await here.join(room, undefined, '203.0.7.7');
    await pass();
    const networkOf = async (tab: Tab) => {
      tab.say({ t: 'relay', to: ana.peer, payload });
      await pass();
      const relayed = ana.last();
      return relayed?.t === 'relay' ? relayed.network : 'no relay';
    };
    expect(await networkOf(ben)).toMatch(/^[A-Za-z0-9_-]{16}$/);
    expect(await networkOf(ben)).toBe(await networkOf(cleo));
  });
});

describe('a process that ends', () => {
  it('takes its tabs with it when it says so', async () => {
    const { processes } = await open(2);
    const [ana] = [await join(processes[0]), await join(processes[1])];
    processes[1].hub.close();
    await pass();
    expect(find(ana)).toEqual({ peers: [], others: 0 });
    expect(processes[0].hub.others()).toEqual({ bus: 'connected', processes: 0 });
  });

  it('is missed after four beats when it crashes, and not before', async () => {
    const { processes } = await open(2);
    const [ana, ben] = [await join(processes[0]), await join(processes[1])];
    processes[1].bus.side = 9; // nobody hears it any more, and nothing reaches it
    await pass(processLimits.silentAfterMs - processLimits.beatEveryMs);
    expect(find(ana).peers).toEqual([ben.peer]);
    await pass(2 * processLimits.beatEveryMs);
    expect(find(ana)).toEqual({ peers: [], others: 0 });
  });

  it('leaves no timers and no subscriptions', async () => {
    const { processes } = await open(2);
    await join(processes[0]);
    for (const { hub } of processes) hub.drain(1);
    for (const { hub } of processes) hub.close();
    await pass(2_000); // refused clients that don't close
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a bus that goes away', () => {
  it('leaves a process with its own tabs: they come, find and reach each other', async () => {
    const { processes } = await open(2);
    const [ana, ben] = [await join(processes[0]), await join(processes[1])];
    for (const { bus } of processes) bus.cut();
    const cleo = await join(processes[0]);
    ana.say({ t: 'relay', to: cleo.peer, payload });
    expect(cleo.last()).toMatchObject({ t: 'relay', from: ana.peer, payload });
    await pass(processLimits.awayGraceMs - 5_000);
    expect(find(cleo).peers).toEqual(peersOf(ana, ben));
    ana.say({ t: 'relay', to: ben.peer, payload });
    expect(ana.last()).toEqual({ t: 'gone', peer: ben.peer });
    await pass(10_000);
    expect(find(cleo).peers).toEqual([ana.peer]);
  });

  it('is made up for when it is back, whoever came and went meanwhile, and no connection ends', async () => {
    const { processes } = await open(3);
    const [ana, ben, cleo] = [await join(processes[0]), await join(processes[1]), await join(processes[2])];
    for (const { bus } of processes) bus.cut();
    const dora = await join(processes[1]);
    cleo.session.closed();
    const [emil] = [await join(processes[2], otherRoom), await join(processes[2])];
    await pass(3_000);
    for (const { bus } of processes) bus.heal();
    await pass();
    expect(find(ana).peers).toContain(dora.peer);
    await pass(10_000);
    expect(find(ana)).toMatchObject({ others: 3 });
    expect(find(ana).peers).not.toContain(cleo.peer);
    expect(find(emil).others).toBe(0);
    for (const tab of [ana, ben, dora, emil]) expect(tab.wire.ends).toEqual([]);
    dora.say({ t: 'relay', to: ana.peer, payload });
    await pass();
    expect(ana.last()).toMatchObject({ t: 'relay', from: dora.peer });
  });

  it('gives the others their time to be back, too', async () => {
    const { processes } = await open(2);
    const [ana, ben] = [await join(processes[0]), await join(processes[1])];
    for (const { bus } of processes) bus.cut();
    await pass(15_000);
    processes[0].bus.heal();
    await pass(processLimits.beatEveryMs + 1_000);
    expect(find(ana).peers).toEqual([ben.peer]);
  });

  it('forgets a tab whose process has closed the room meanwhile', async () => {
    const { processes } = await open(2);
    const [ana, ben] = [await join(processes[0]), await join(processes[1])];
    for (const { bus } of processes) bus.cut();
    ben.session.closed();
    await pass(3_000);
    for (const { bus } of processes) bus.heal();
    await pass(processLimits.silentAfterMs + 2_000);
    expect(processes[0].hub.others()).toMatchObject({ processes: 1 });
    expect(find(ana)).toEqual({ peers: [], others: 0 });
  });

  it('heals a cluster that fell apart without anybody’s connection breaking', async () => {
    const { processes } = await open(2);
    const [ana, ben] = [await join(processes[0]), await join(processes[1])];
    processes[1].bus.side = 9;
    await pass(20_000);
    expect(find(ana).others).toBe(0);
    const [cleo, dora] = [await join(processes[0]), await join(processes[1])];
    processes[1].bus.side = 0;
    await pass(3_000);
    expect(find(ana).peers).toEqual(peersOf(ben, cleo, dora));
    expect(find(dora).peers).toEqual(peersOf(ana, ben, cleo));
    expect(ana.wire.messages.at(-2)).toMatchObject({ t: 'found', others: 3 }); // told without asking
  });

  it('heals all rooms at once, not one after the other', async () => {
    const { processes } = await open(2);
    for (const where of manyRooms) for (const process of processes) await join(process, where);
    processes[1].bus.side = 9;
    await pass(20_000);
    expect(processes.map(({ hub }) => hub.load().elsewhere)).toEqual([0, 0]);
    processes[1].bus.side = 0;
    await pass(processLimits.beatEveryMs + 100);
    expect(processes.map(({ hub }) => hub.load().elsewhere)).toEqual([60, 60]);
  });

  it('remembers a room that was filled on both sides', async () => {
    const { processes } = await open(2, { maxPeersPerRoom: 3 });
    for (const { bus } of processes) bus.cut();
    const tabs: Tab[] = [];
    for (let i = 0; i < 6; i++) tabs.push(await join(processes[i % 2] as Process));
    for (const { bus } of processes) bus.heal();
    await pass();
    expect(tabs.map((tab) => find(tab).others)).toEqual([5, 5, 5, 5, 5, 5]);
    expect((await join(processes[0])).last()).toMatchObject({ code: 'room-full' });
  });

  it('is told again of a tab that another process had, too, and has no more', async () => {
    const { processes } = await open(1);
    const [here] = processes;
    const ana = await join(here);
    sayTo(here, { t: 'joined', room, n: 1, after: 0, peer: ana.peer, at: 1 });
    sayTo(here, { t: 'left', room, n: 2, after: 1, peer: ana.peer });
    const told = here.bus.published.flatMap(({ bytes }) => unwrap(decodeBusMessage(bytes)));
    expect(told.at(-1)).toMatchObject({ t: 'joined', peer: ana.peer });
    expect(ana.wire.ends).toEqual([]);
  });

  it('keeps a tab that moved during the partition reachable, once its old connection has died', async () => {
    const { processes } = await open(3);
    const [ana, ben] = [await join(processes[0]), await join(processes[1])];
    for (const { bus } of processes) bus.cut();
    const again = await join(processes[2], room, ben.signer);
    for (const { bus } of processes) bus.heal();
    await pass(10_000);
    ben.session.closed(); // the heartbeat has noticed
    await pass();
    ana.say({ t: 'relay', to: ben.peer, payload });
    await pass();
    expect(again.last()).toMatchObject({ t: 'relay', from: ana.peer });
    expect(again.wire.ends).toEqual([]);
  });
});

describe('news that got lost', () => {
  /** The bus swallows what this process says to a room, and nobody notices. */
  const mute = async (process: Process, act: () => unknown) => {
    process.bus.side = 9;
    await act();
    await pass();
    process.bus.side = 0;
  };

  it('are asked for as soon as the next ones don’t fit', async () => {
    const { processes } = await open(2);
    const ana = await join(processes[0]);
    const ben = await join(processes[1]);
    const silent: Tab[] = [];
    await mute(processes[1], async () => silent.push(await processes[1].join(room)));
    expect(find(ana).others).toBe(1);
    const dora = await join(processes[1]);
    expect(find(ana).peers).toEqual(peersOf(ben, dora, ...silent));
  });

  it('are noticed within half a minute when no others follow', async () => {
    const { processes } = await open(2);
    const [ana, ben, cleo] = [await join(processes[0]), await join(processes[1]), await join(processes[1])];
    await mute(processes[1], () => cleo.session.closed());
    expect(find(ana).others).toBe(2);
    await pass(30_000);
    expect(find(ana).peers).toEqual([ben.peer]);
  });

  it('of a tab that is at a third process are found by looking for it', async () => {
    const { processes } = await open(3);
    for (const where of manyRooms) await join(processes[2], where); // it is long until it sums this one up
    const [ana, ben] = [await join(processes[0]), await join(processes[1])];
    await join(processes[1]);
    processes[0].bus.side = 9; // hears nothing of what follows
    const again = await join(processes[2], room, ben.signer);
    processes[0].bus.side = 0;
    await pass(5_001);
    ana.say({ t: 'relay', to: ben.peer, payload });
    await pass();
    ana.say({ t: 'relay', to: ben.peer, payload });
    await pass();
    expect(again.last()).toMatchObject({ t: 'relay', from: ana.peer });
  });
});

describe('a list of thousands', () => {
  it('arrives in parts, and only whole ones count', async () => {
    const { processes } = await open(1, { maxPeersPerRoom: 5_000 });
    const [here] = processes;
    const ana = await join(here);
    const peer = (i: number) => `${i}`.padStart(43, 'p') as PeerId;
    const some = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => peer(from + i));
    const network = { say: (message: object) => sayTo(here, message) };
    network.say({ t: 'list', room, n: 7, part: 0, parts: 3, peers: some(0, 1_000) });
    network.say({ t: 'list', room, n: 7, part: 2, parts: 3, peers: some(2_000, 2_500) });
    expect(find(ana).others).toBe(0);
    for (const [part, peers] of [some(0, 1_000), some(1_000, 2_000), some(2_000, 2_500)].entries())
      network.say({ t: 'list', room, n: 8, part, parts: 3, peers });
    expect(find(ana).others).toBe(2_500);
    network.say({ t: 'list', room, n: 9, part: 0, parts: 1, peers: some(0, 5) });
    expect(find(ana).others).toBe(5);
  });
});

/** As if another process had said it, to this one alone. */
const sayTo = (process: Process, message: object, from = stranger) => {
  const { subject } = ownSubject(process);
  process.bus.receive(subject, encodeBusMessage({ ...message, process: from } as never));
};
/** Its own subject is the one it listens to beside that of all and of its rooms. */
const ownSubject = (process: Process) => {
  const subject = process.bus.subjects().find((one) => one.startsWith('aivillage.1.process.'));
  if (!subject) throw new Error('no subject of its own');
  return { subject };
};

describe('strangers on the bus', () => {
  it('are counted, and change nothing', async () => {
    const { processes } = await open(1);
    const [here] = processes;
    const ana = await join(here);
    for (const bytes of [new Uint8Array(0), new Uint8Array([255, 1]), new Uint8Array(70_000), payload])
      here.bus.receive(subjects.all, bytes);
    for (const message of [
      { t: 'dance' },
      { t: 'joined', room, n: 1, after: 0, peer: 'short', at: 1 },
      { t: 'list', room, n: -1, part: 0, parts: 1, peers: [] },
    ])
      sayTo(here, message);
    expect(here.metrics.render()).toContain('aivillage_bus_malformed_total 7');
    expect(find(ana).others).toBe(0);
    expect(here.hub.others()).toMatchObject({ processes: 0 });
  });

  it('are not remembered beyond what fits: processes, and peers in a room', async () => {
    const { processes } = await open(1, { maxPeersPerRoom: 3 });
    const [here] = processes;
    const ana = await join(here);
    const id = (i: number) => `${i}`.padStart(22, 'p') as ProcessId;
    const peer = (i: number) => `${i}`.padStart(43, 'p') as PeerId;
    for (let i = 0; i < 1_000; i++)
      sayTo(here, { t: 'joined', room, n: i + 1, after: i, peer: peer(i), at: 1 }, id(0));
    expect(find(ana).others).toBe(5);
    for (let i = 0; i < 1_000; i++) sayTo(here, { t: 'at', room, n: 0 }, id(i));
    expect(here.hub.others()).toMatchObject({ processes: processLimits.maxProcesses });
  });

  it('are told that nobody is there, when they ask for a room that is not', async () => {
    const { processes } = await open(1);
    await join(processes[0]);
    sayTo(processes[0], { t: 'ask', room: otherRoom, n: 4 });
    sayTo(processes[0], { t: 'want', room: otherRoom });
    const said = processes[0].bus.published.filter(({ subject }) => subject === subjects.process(stranger));
    expect(said.map(({ bytes }) => unwrap(decodeBusMessage(bytes)))).toMatchObject([
      { t: 'list', room: otherRoom, peers: [] },
    ]);
  });
});

describe('frames between processes', () => {
  const carry = (from: Tab, to: Tab, bytes = 1_000, number = 0) =>
    from.say({ t: 'carry', to: to.peer, payload: new Uint8Array(bytes).fill(number) });
  const open2 = async (options: Options = {}) => {
    const { processes } = await open(2, options);
    const [ana, ben] = [await join(processes[0]), await join(processes[1])];
    return { processes, ana, ben };
  };

  it('arrive in order', async () => {
    const { ana, ben } = await open2();
    for (let n = 0; n < 50; n++) carry(ana, ben, 16_000, n);
    await pass();
    const arrived = ben.wire.messages.filter((message) => message.t === 'carry');
    expect(arrived.map(({ payload: bytes }) => bytes[0])).toEqual(Array.from({ length: 50 }, (_, n) => n));
    expect(arrived[0]).toMatchObject({ from: ana.peer });
  });

  it('wait when their receiver does not read, and go on when it does', async () => {
    const { ana, ben } = await open2();
    ben.wire.buffered = carryLimits.fullAtBytes + 1;
    carry(ana, ben);
    await pass();
    carry(ana, ben); // from here on it is known
    expect(ana.wire.paused).toBe(true);
    await pass(1_000);
    expect(ana.wire.paused).toBe(true);
    ben.wire.buffered = 0;
    await pass(50);
    expect(ana.wire.paused).toBe(false);
  });

  it('wait for nobody for longer than a tab has patience', async () => {
    const { ana, ben } = await open2();
    ben.wire.buffered = carryLimits.fullAtBytes + 1;
    carry(ana, ben);
    await pass();
    carry(ana, ben);
    await pass(longestHoldMs + 100);
    expect(ana.wire.paused).toBe(false);
  });

  it('wait when the bus does not take them', async () => {
    const { processes, ana, ben } = await open2();
    processes[0].bus.waiting = 2 * 1024 * 1024;
    carry(ana, ben);
    expect(ana.wire.paused).toBe(true);
    processes[0].bus.waiting = 0;
    await pass(20);
    expect(ana.wire.paused).toBe(false);
  });

  it('end in a gone on both sides when the bus breaks, because some may be lost', async () => {
    const { processes, ana, ben } = await open2();
    const cleo = await join(processes[0]);
    carry(ana, ben);
    await pass(1_000);
    for (const { bus } of processes) bus.cut();
    expect(ana.last()).toEqual({ t: 'gone', peer: ben.peer });
    expect(ben.last()).toEqual({ t: 'gone', peer: ana.peer });
    expect(cleo.wire.messages.some(({ t }) => t === 'gone')).toBe(false);
    carry(ana, ben);
    expect(ana.last()).toEqual({ t: 'gone', peer: ben.peer });
  });

  it('do not end what was quiet for long', async () => {
    const { processes, ana, ben } = await open2();
    carry(ana, ben);
    await pass(25_000);
    for (const { bus } of processes) bus.cut();
    expect(ana.wire.messages.some(({ t }) => t === 'gone')).toBe(false);
  });
});
