import { describe, expect, it } from 'vitest';
import type { PeerId, RoomId } from '../../core/brand.ts';
import { utf8 } from '../../core/bytes.ts';
import type { SigningKey } from '../../core/ports/crypto.ts';
import { silentTelemetry } from '../../core/ports/telemetry.ts';
import { createHashCrypto } from '../../identity/testDoubles.ts';
import type { OpenSocket } from '../ports.ts';
import { createManualTime, createTestRandom } from '../testDoubles.ts';
import { createSignalingClient, type SignalingEvent } from './client.ts';
import {
  type ClientMessage,
  decodeClientMessage,
  encodeSignaling,
  helloBytes,
  type RefusalCode,
  type ServerMessage,
  signalingProtocol,
} from './protocol.ts';

const crypto = createHashCrypto();
const room = 'r'.repeat(43) as RoomId;
const self = 's'.repeat(43) as PeerId;
const ben = 'b'.repeat(43) as PeerId;
const nonce = (byte: number) => new Uint8Array(32).fill(byte);

/** Sockets whose other end is the test. */
const createSocketHub = () => {
  type Handlers = Parameters<OpenSocket>[1];
  const sockets: { on: Handlers; readonly sent: ClientMessage[]; closed: boolean; readonly at: number }[] =
    [];
  const time = createManualTime();
  const openSocket: OpenSocket = (_url, on) => {
    const socket = { on, sent: [] as ClientMessage[], closed: false, at: time.clock.monotonic() };
    sockets.push(socket);
    return {
      send(bytes) {
        const message = decodeClientMessage(bytes);
        if (!message.ok) throw new Error(message.error.message);
        socket.sent.push(message.value);
      },
      bufferedAmount: () => 0,
      close() {
        socket.closed = true;
        on.closed();
      },
    };
  };
  const last = () => sockets[sockets.length - 1]!;
  const tell = (message: ServerMessage, socket = last()) => socket.on.message(encodeSignaling(message));
  return { time, sockets, openSocket, last, tell };
};

const createTab = async (options: { signer?: (key: SigningKey) => SigningKey; seed?: number } = {}) => {
  const hub = createSocketHub();
  const key = await crypto.generateSigningKey();
  const client = createSignalingClient(
    {
      openSocket: hub.openSocket,
      signer: options.signer?.(key) ?? key,
      random: createTestRandom(options.seed ?? 1),
      telemetry: silentTelemetry,
      ...hub.time,
    },
    { url: 'wss://village.example/signal', room, build: 'b1' },
  );
  const events: SignalingEvent[] = [];
  client.events((event) => events.push(event));
  const welcome = () =>
    hub.tell({ t: 'welcome', self, peers: [ben], others: 1, now: 5_000, ice: [], carries: 0 });
  const join = async () => {
    client.start();
    hub.tell({ t: 'challenge', nonce: nonce(1), protocol: signalingProtocol });
    await hub.time.advance(0);
    welcome();
  };
  const refuse = (code: RefusalCode, retryAfterMs?: number) =>
    hub.tell({ t: 'refused', code, message: code, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
  return { ...hub, client, key, events, welcome, join, refuse, phase: () => client.state.get().phase };
};

describe('joining', () => {
  it('signs the challenge of this room with the key of this tab', async () => {
    const { client, key, tell, time, last } = await createTab();
    client.start();
    expect(last().sent).toEqual([]);
    tell({ t: 'challenge', nonce: nonce(7), protocol: signalingProtocol });
    await time.advance(0);
    const [hello] = last().sent;
    if (hello?.t !== 'hello') throw new Error('no hello');
    expect(hello).toMatchObject({ room, nodeKey: key.publicKey, build: 'b1', protocol: signalingProtocol });
    expect(await crypto.verify(key.publicKey, helloBytes(room, nonce(7)), hello.signature)).toBe(true);
    expect(await crypto.verify(key.publicKey, helloBytes(room, nonce(8)), hello.signature)).toBe(false);
  });

  it('is done with the welcome, and tells of peers and what they say', async () => {
    const { join, tell, events, phase } = await createTab();
    await join();
    expect(phase()).toBe('joined');
    tell({ t: 'found', peers: [ben], others: 40 });
    tell({ t: 'relay', from: ben, payload: utf8('hi'), network: 'n' });
    tell({ t: 'relay', from: ben, payload: utf8('from home') });
    tell({ t: 'gone', peer: ben });
    expect(events).toEqual([
      { kind: 'welcome', peers: [ben], others: 1, ice: [], carries: 0 },
      { kind: 'found', peers: [ben], others: 40 },
      { kind: 'relay', from: ben, payload: utf8('hi'), network: 'n' },
      { kind: 'relay', from: ben, payload: utf8('from home'), network: undefined },
      { kind: 'gone', peer: ben },
    ]);
  });

  it('never sends the signature of one challenge over another connection', async () => {
    const held: (() => void)[] = [];
    const { client, tell, time, sockets } = await createTab({
      signer: (key) => ({
        publicKey: key.publicKey,
        sign: (message) => new Promise((resolve) => held.push(() => resolve(key.sign(message)))),
      }),
    });
    client.start();
    tell({ t: 'challenge', nonce: nonce(1), protocol: signalingProtocol });
    await time.advance(0);
    sockets[0]!.on.closed();
    await time.advance(1_000);
    expect(sockets).toHaveLength(2);
    for (const release of held) release();
    await time.advance(0);
    expect(sockets.flatMap(({ sent }) => sent)).toEqual([]);
  });

  it('reckons the time as the server does, whatever this device believes', async () => {
    const { client, join, time } = await createTab();
    expect(client.serverNow()).toBe(time.clock.now());
    await time.advance(1_000);
    await join();
    await time.advance(500);
    expect(client.serverNow()).toBe(5_500);
  });

  it('reckons anew with every welcome, and goes on while the server is away', async () => {
    const { client, join, last, tell, time } = await createTab();
    await join();
    await time.advance(1_000);
    tell({ t: 'welcome', self, peers: [], others: 0, now: 200, ice: [], carries: 0 });
    expect(client.serverNow()).toBe(200);
    last().on.closed();
    await time.advance(100);
    expect(client.serverNow()).toBe(300);
  });

  it('asks for others only while it is joined', async () => {
    const { client, join, last } = await createTab();
    expect(client.find()).toBe(false);
    await join();
    expect(client.find()).toBe(true);
    expect(last().sent.at(-1)).toEqual({ t: 'find' });
    last().on.closed();
    expect(client.find()).toBe(false);
  });

  it('relays only while it is joined', async () => {
    const { client, join, last } = await createTab();
    expect(client.relay(ben, utf8('early'))).toBe(false);
    client.start();
    expect(client.relay(ben, utf8('early'))).toBe(false);
    client.stop();
    await join();
    expect(client.relay(ben, utf8('now'))).toBe(true);
    expect(last().sent.at(-1)).toEqual({ t: 'relay', to: ben, payload: utf8('now') });
    last().on.closed();
    expect(client.relay(ben, utf8('late'))).toBe(false);
  });
});

describe('a lost connection', () => {
  it('is made anew after delays that grow, differ, and have a ceiling', async () => {
    const delaysWith = async (seed: number) => {
      const { client, time, sockets, last } = await createTab({ seed });
      client.start();
      const delays: number[] = [];
      for (let i = 0; i < 12; i++) {
        const lostAt = time.clock.monotonic();
        last().on.closed();
        const state = client.state.get();
        if (state.phase !== 'waiting') throw new Error(state.phase);
        await time.advance(state.retryAt - lostAt);
        expect(sockets).toHaveLength(i + 2);
        delays.push(last().at - lostAt);
      }
      return delays;
    };
    const [some, others] = [await delaysWith(1), await delaysWith(99)];
    for (const [i, delay] of some.entries()) {
      const ceiling = Math.min(30_000, 500 * 2 ** i);
      expect(delay).toBeGreaterThanOrEqual(ceiling / 2);
      expect(delay).toBeLessThanOrEqual(ceiling);
    }
    expect(some).not.toEqual(others);
  });

  it('can be retried at once, and then only once', async () => {
    const { client, time, sockets, last, phase } = await createTab();
    client.start();
    last().on.closed();
    expect(phase()).toBe('waiting');
    client.retryNow();
    client.retryNow();
    expect(phase()).toBe('connecting');
    await time.advance(5_000);
    expect(sockets).toHaveLength(2);
  });

  it('is noticed when nothing is heard, and heartbeats ask', async () => {
    const { join, time, sockets, phase } = await createTab();
    await join();
    await time.advance(15_000);
    expect(sockets[0]!.sent.at(-1)).toMatchObject({ t: 'ping' });
    await time.advance(15_000);
    expect(sockets[0]!.closed).toBe(true);
    expect(phase()).toBe('waiting');
  });

  it('is not suspected while the server answers', async () => {
    const { join, time, sockets, last, tell, phase } = await createTab();
    await join();
    for (let i = 0; i < 10; i++) {
      await time.advance(15_000);
      const ping = last().sent.at(-1);
      if (ping?.t !== 'ping') throw new Error('no ping');
      tell({ t: 'pong', n: ping.n });
    }
    expect(phase()).toBe('joined');
    expect(sockets).toHaveLength(1);
  });

  it('is also one that never leads to a welcome', async () => {
    const { client, time, sockets, phase } = await createTab();
    client.start();
    await time.advance(9_999);
    expect(phase()).toBe('connecting');
    await time.advance(1);
    expect(phase()).toBe('waiting');
    expect(sockets[0]!.closed).toBe(true);
  });

  it('after unreadable bytes is made anew', async () => {
    const { join, last, phase } = await createTab();
    await join();
    last().on.message(utf8('<html>'));
    expect(phase()).toBe('waiting');
  });

  it('is made anew quickly if the connection before had lasted', async () => {
    const { client, time, sockets, last, tell, welcome } = await createTab();
    client.start();
    for (let i = 0; i < 5; i++) {
      last().on.closed();
      while (client.state.get().phase !== 'connecting') await time.advance(500);
    }
    expect(sockets).toHaveLength(6);
    welcome();
    await time.advance(15_000);
    tell({ t: 'pong', n: 1 });
    last().on.closed();
    const state = client.state.get();
    expect(state.phase === 'waiting' && state.retryAt - time.clock.monotonic()).toBeLessThanOrEqual(500);
  });

  it('is retried ever more slowly by a server that welcomes and drops', async () => {
    const { client, time, sockets, tell, last, welcome } = await createTab();
    client.start();
    for (let second = 0; second < 60; second++) {
      tell({ t: 'challenge', nonce: nonce(1), protocol: signalingProtocol });
      await time.advance(0);
      if (!last().closed) welcome();
      last().on.closed();
      await time.advance(1_000);
    }
    expect(sockets.length).toBeLessThan(12);
  });
});

describe('on another network', () => {
  it('comes back at once when the old connection does not answer', async () => {
    const { client, join, time, sockets, phase } = await createTab();
    await join();
    client.probe();
    await time.advance(2_900);
    expect(phase()).toBe('joined');
    await time.advance(1_200);
    expect(sockets).toHaveLength(2);
  });

  it('stays with a connection that still answers', async () => {
    const { client, join, time, tell, sockets } = await createTab();
    await join();
    await time.advance(1_000);
    client.probe();
    await time.advance(500);
    tell({ t: 'pong', n: 0 });
    await time.advance(10_000);
    expect(sockets).toHaveLength(1);
  });

  it('does not wait for the next attempt', async () => {
    const { client, last, sockets } = await createTab();
    client.start();
    last().on.closed();
    client.probe();
    expect(sockets).toHaveLength(2);
  });
});

describe('a refusal', () => {
  it.each(['protocol', 'signature', 'duplicate'] as const)(
    'of %s ends it until the person retries',
    async (code) => {
      const { client, refuse, time, sockets, phase } = await createTab();
      client.start();
      refuse(code);
      expect(phase()).toBe('refused');
      await time.advance(600_000);
      expect(sockets).toHaveLength(1);
      client.retryNow();
      expect(sockets).toHaveLength(2);
    },
  );

  it('of one message does not end the connection', async () => {
    const { join, refuse, phase } = await createTab();
    await join();
    refuse('rate');
    expect(phase()).toBe('joined');
  });

  it('while the server drains waits as long as it asks, and not all tabs alike', async () => {
    const waits = [];
    for (const seed of [1, 5_000, 90_000_000]) {
      const { join, refuse, client, time } = await createTab({ seed });
      await join();
      refuse('draining', 8_000);
      const state = client.state.get();
      if (state.phase !== 'waiting') throw new Error(state.phase);
      waits.push(state.retryAt - time.clock.monotonic());
    }
    for (const wait of waits) expect(wait).toBeGreaterThanOrEqual(8_000);
    expect(Math.max(...waits) - Math.min(...waits)).toBeGreaterThan(500);
  });
});

describe('stopping', () => {
  it.each(['connecting', 'joined', 'waiting'] as const)(
    'while %s is final and leaves no timer',
    async (when) => {
      const { client, join, last, time, sockets, phase } = await createTab();
      if (when === 'joined') await join();
      else client.start();
      if (when === 'waiting') last().on.closed();
      expect(phase()).toBe(when);
      client.stop();
      expect(phase()).toBe('off');
      expect(time.pending()).toBe(0);
      last().on.message(
        encodeSignaling({ t: 'welcome', self, peers: [], others: 0, now: 0, ice: [], carries: 0 }),
      );
      last().on.closed();
      client.retryNow();
      await time.advance(600_000);
      expect(phase()).toBe('off');
      expect(sockets).toHaveLength(1);
    },
  );

  it('leaves no timer even after a server that welcomed twice', async () => {
    const { client, join, welcome, time } = await createTab();
    await join();
    welcome();
    client.stop();
    expect(time.pending()).toBe(0);
  });
});
