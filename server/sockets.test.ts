import { webcrypto } from 'node:crypto';
import { connect as connectTcp, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { PeerId, RoomId } from '../src/core/brand.ts';
import { peerIdOf } from '../src/identity/ids.ts';
import {
  type ClientMessage,
  decodeServerMessage,
  encodeSignaling,
  helloBytes,
  type ServerMessage,
  signalingProtocol,
} from '../src/mesh/signaling/protocol.ts';
import { type RunningServer, startServer } from './server.ts';
import { testConfig } from './testDoubles.ts';

const room = 'r'.repeat(43) as RoomId;
const otherRoom = 's'.repeat(43) as RoomId;

let server: RunningServer;
const sockets: WebSocket[] = [];
beforeEach(async () => {
  server = await startServer(testConfig, { log: () => {}, clientFolder: '/nonexistent' });
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate();
  await server.close();
});

/** A client that reads messages one by one. */
const connect = async (headers: Record<string, string> = {}) => {
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}/signal`, { headers });
  sockets.push(socket);
  const messages: ServerMessage[] = [];
  const waiting: ((message: ServerMessage) => void)[] = [];
  socket.on('message', (data: Buffer) => {
    const decoded = decodeServerMessage(new Uint8Array(data));
    if (!decoded.ok) throw new Error(decoded.error.message);
    const next = waiting.shift();
    if (next) next(decoded.value);
    else messages.push(decoded.value);
  });
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  await new Promise((resolve, reject) => {
    socket.on('open', resolve);
    socket.on('error', reject);
  });
  return {
    closed,
    raw: (data: Uint8Array | string) => socket.send(data),
    send: (message: ClientMessage) => socket.send(encodeSignaling(message)),
    next: () =>
      new Promise<ServerMessage>((resolve) => {
        const message = messages.shift();
        if (message) resolve(message);
        else waiting.push(resolve);
      }),
  };
};

/** What the server says to an upgrade from this address. */
const upgrade = (localAddress: string) =>
  new Promise<{ head: string; socket: Socket }>((resolve, reject) => {
    const socket = connectTcp({ port: server.port, host: '127.0.0.1', localAddress });
    socket.once('data', (data: Buffer) => resolve({ head: data.toString('latin1'), socket }));
    socket.on('error', reject);
    socket.write(
      'GET /signal HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
  });

const newKey = async () => {
  const pair = (await webcrypto.subtle.generateKey('Ed25519', true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair;
  const nodeKey = new Uint8Array(await webcrypto.subtle.exportKey('raw', pair.publicKey));
  return { pair, nodeKey, peer: peerIdOf(nodeKey) };
};

const join = async (where: RoomId = room, key?: Awaited<ReturnType<typeof newKey>>) => {
  const own = key ?? (await newKey());
  const client = await connect();
  const challenge = await client.next();
  if (challenge.t !== 'challenge') throw new Error('no challenge');
  const signed = helloBytes(where, challenge.nonce);
  const signature = new Uint8Array(await webcrypto.subtle.sign('Ed25519', own.pair.privateKey, signed));
  client.send({
    t: 'hello',
    protocol: signalingProtocol,
    room: where,
    nodeKey: own.nodeKey,
    build: 'test',
    signature,
  });
  return { ...client, ...own, first: await client.next() };
};

describe('signaling over sockets', () => {
  it('introduces those who hold their keys', async () => {
    const ana = await join();
    expect(ana.first).toMatchObject({ t: 'welcome', self: ana.peer, peers: [] });
    const ben = await join();
    expect(ben.first).toMatchObject({ t: 'welcome', peers: [ana.peer] });
  });

  it('refuses a signature by another key', async () => {
    const client = await connect();
    await client.next();
    const { nodeKey } = await newKey();
    client.send({
      t: 'hello',
      protocol: signalingProtocol,
      room,
      nodeKey,
      build: 'test',
      signature: new Uint8Array(64),
    });
    expect(await client.next()).toMatchObject({ t: 'refused', code: 'signature' });
    expect(await client.closed).toBe(1008);
  });

  it('refuses another protocol and names both', async () => {
    const client = await connect();
    await client.next();
    const { nodeKey } = await newKey();
    client.send({ t: 'hello', protocol: 7, room, nodeKey, build: 'test', signature: new Uint8Array(64) });
    const refused = await client.next();
    expect(refused).toMatchObject({ t: 'refused', code: 'protocol' });
    expect(refused.t === 'refused' && refused.message).toMatch(/\d.*7/);
  });

  it('passes envelopes on with the true sender', async () => {
    const [ana, ben] = [await join(), await join()];
    ben.send({ t: 'relay', to: ana.peer, payload: new Uint8Array([1, 2, 3]) });
    expect(await ana.next()).toEqual({ t: 'relay', from: ben.peer, payload: new Uint8Array([1, 2, 3]) });
  });

  it('does not pass anything to another room', async () => {
    const [ana, eve] = [await join(), await join(otherRoom)];
    eve.send({ t: 'relay', to: ana.peer, payload: new Uint8Array(1) });
    expect(await eve.next()).toEqual({ t: 'gone', peer: ana.peer });
  });

  it('passes nothing for somebody who has not proven a key', async () => {
    const ana = await join();
    const stranger = await connect();
    await stranger.next();
    stranger.send({ t: 'relay', to: ana.peer, payload: new Uint8Array(1) });
    expect(await stranger.next()).toMatchObject({ t: 'refused', code: 'malformed' });
  });

  it.each([
    ['text', 'hello'],
    ['noise', new Uint8Array([255, 0, 1])],
    ['an unknown type', encodeSignaling({ t: 'dance' } as unknown as ClientMessage)],
  ])('refuses %s and closes', async (_name, data) => {
    const client = await connect();
    await client.next();
    client.raw(data);
    expect(await client.next()).toMatchObject({ t: 'refused', code: 'malformed' });
    expect(await client.closed).toBe(1008);
  });

  it('refuses a message over the size limit in words, and closes', async () => {
    const client = await connect();
    await client.next();
    client.raw(new Uint8Array(70_000));
    expect(await client.next()).toMatchObject({
      t: 'refused',
      code: 'too-large',
      message: expect.stringContaining('70000'),
    });
    expect(await client.closed).toBe(1008);
  });

  it('does not even read a message of twice that size', async () => {
    const client = await connect();
    client.raw(new Uint8Array(140_000));
    expect(await client.closed).toBe(1009);
  });

  it('slows a flood down without closing', async () => {
    const ana = await join();
    for (let n = 0; n < 500; n++) ana.send({ t: 'ping', n });
    const seen = new Set<string>();
    for (let i = 0; i < 500 && !seen.has('refused'); i++) {
      const message = await ana.next();
      seen.add(message.t);
      if (message.t === 'refused') expect(message).toMatchObject({ code: 'rate' });
    }
    expect([...seen].sort()).toEqual(['pong', 'refused']);
  });

  it('takes twelve tabs and tells the thirteenth', async () => {
    for (let i = 0; i < 12; i++) await join();
    expect((await join()).first).toMatchObject({ t: 'refused', code: 'room-full' });
  });

  it('lets a peer back in over its dead connection, without a goodbye to the others', async () => {
    const ana = await join();
    const key = await newKey();
    await join(room, key);
    const again = await join(room, key);
    expect(again.first).toMatchObject({ t: 'welcome', peers: [ana.peer] });
    again.send({ t: 'relay', to: ana.peer, payload: new Uint8Array([9]) });
    expect(await ana.next()).toMatchObject({ t: 'relay', from: key.peer });
  });

  it('carries more than the budget later, whole and in order', async () => {
    await server.close();
    const carry = { bytesPerSecond: 400_000, totalBytesPerSecond: 4_000_000 };
    server = await startServer({ ...testConfig, carry }, { log: () => {}, clientFolder: '/nonexistent' });
    const [ana, ben] = [await join(), await join()];
    for (let n = 0; n < 60; n++)
      ana.send({ t: 'carry', to: ben.peer, payload: new Uint8Array(16_000).fill(n) });
    for (let n = 0; n < 60; n++) {
      const message = await ben.next();
      expect(message).toMatchObject({ t: 'carry', from: ana.peer });
      const isWhole = message.t === 'carry' && Buffer.alloc(16_000, n).equals(message.payload);
      expect(isWhole).toBe(true); // byte by byte through expect takes a second
    }
    ana.send({ t: 'ping', n: 1 });
    expect(await ana.next()).toEqual({ t: 'pong', n: 1 });
  }, 30_000);

  it('says that somebody is gone to whoever asks for it', async () => {
    const [ana, ben] = [await join(), await join()];
    sockets.at(-1)?.close();
    await ben.closed;
    ana.send({ t: 'relay', to: ben.peer, payload: new Uint8Array(1) });
    expect(await ana.next()).toEqual({ t: 'gone', peer: ben.peer satisfies PeerId });
    ana.send({ t: 'find' });
    expect(await ana.next()).toEqual({ t: 'found', peers: [], others: 0 });
  });

  it.each(['//[', 'http://[', '/elsewhere', '*'])(
    'survives an upgrade at the address %s',
    async (address) => {
      const status = await new Promise<string>((resolve, reject) => {
        const raw = connectTcp(server.port, '127.0.0.1');
        raw.on('data', (data: Buffer) => resolve(data.toString().split('\r\n')[0] ?? ''));
        raw.on('error', reject);
        raw.write(
          `GET ${address} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
        );
      });
      expect(status).toBe('HTTP/1.1 404 no socket here');
      expect((await join()).first).toMatchObject({ t: 'welcome' });
    },
  );

  it('takes no more connections than it was given', async () => {
    await server.close();
    server = await startServer(
      { ...testConfig, maxConnectionsPerAddress: 2 },
      { log: () => {}, clientFolder: '/nonexistent' },
    );
    const [first] = [await connect(), await connect()];
    await expect(connect()).rejects.toThrow('429');
    sockets[0]?.close();
    await first?.closed;
    await expect.poll(() => connect().then(() => 'connected', String)).toBe('connected');
  });

  it('answers ten thousand joins from one address with a reason, and keeps two hundred at most', async () => {
    await server.close();
    const limits = { maxConnections: 20_000, maxConnectionsPerAddress: 200 };
    server = await startServer({ ...testConfig, ...limits }, { log: () => {}, clientFolder: '/nonexistent' });
    const held: Socket[] = [];
    const heads = new Map<string, number>();
    const knock = async (from: string) => {
      const { head, socket } = await upgrade(from);
      const [status = ''] = head.split('\r\n');
      heads.set(status, (heads.get(status) ?? 0) + 1);
      if (status.includes('101')) held.push(socket);
      else {
        expect(head).toContain('Retry-After: 2');
        socket.destroy();
      }
      return status;
    };
    const knockers = Array.from({ length: 100 }, async () => {
      for (let i = 0; i < 100; i++) await knock('127.0.0.1');
    });
    await Promise.all(knockers);
    const [welcome, tooFast, tooMany] = [
      'HTTP/1.1 101 Switching Protocols',
      'HTTP/1.1 429 connecting too fast',
      'HTTP/1.1 429 too many connections from this address',
    ].map((status) => heads.get(status) ?? 0);
    expect((welcome ?? 0) + (tooFast ?? 0) + (tooMany ?? 0)).toBe(10_000);
    expect(welcome).toBeGreaterThanOrEqual(120);
    const metrics = await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text();
    const open = Number(/^aivillage_signaling_connections (\d+)$/m.exec(metrics)?.[1]);
    expect(open).toBeLessThanOrEqual(200); // who says no hello is closed after a while: a slow machine has fewer
    expect(metrics).toContain(`aivillage_upgrades_refused_total{status="429"} ${10_000 - (welcome ?? 0)}`);
    // Only Linux lets a socket come from any address of 127.0.0.0/8.
    if (process.platform === 'linux') expect(await knock('127.0.0.2')).toContain('101');
    for (const socket of held) socket.destroy();
  }, 60_000);

  it('counts what it refused and relayed, for the operator', async () => {
    const [ana, ben] = [await join(), await join()];
    ana.send({ t: 'relay', to: ben.peer, payload: new Uint8Array(7) });
    await ben.next();
    await connect({ Origin: 'https://evil.example' }).catch(() => {});
    const metrics = await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text();
    expect(metrics).toContain('aivillage_signaling_relayed_bytes_total 7');
    expect(metrics).toContain('aivillage_upgrades_refused_total{status="403"} 1');
    expect(metrics).toContain('aivillage_signaling_peers 2');
  });

  it('refuses pages from elsewhere', async () => {
    await expect(connect({ Origin: 'https://evil.example' })).rejects.toThrow('403');
  });

  it('is not ready any more, and takes nobody new, while it goes down', async () => {
    const stubborn = connectTcp(server.port, '127.0.0.1');
    await new Promise((resolve) => {
      stubborn.once('data', resolve); // upgraded; from here on it never answers
      stubborn.write(
        'GET /signal HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
      );
    });
    const closing = server.close();
    const ready = await fetch(`http://127.0.0.1:${server.port}/readyz`);
    expect([ready.status, await ready.json()]).toMatchObject([503, { draining: true }]);
    await expect(connect()).rejects.toThrow('503');
    stubborn.destroy();
    await closing;
  });

  it('asks everybody to come back later when it goes down', async () => {
    const ana = await join();
    const closing = server.close();
    expect(await ana.next()).toMatchObject({ t: 'refused', code: 'draining', retryAfterMs: 2_000 });
    expect(await ana.closed).toBe(1008);
    await closing;
    await expect(connect()).rejects.toThrow('ECONNREFUSED');
  });
});
