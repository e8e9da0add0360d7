import { WebSocket } from 'ws';
import { milliseconds } from '../../src/core/brand.ts';
import { equalBytes } from '../../src/core/bytes.ts';
import type { PublicKey } from '../../src/core/ports/crypto.ts';
import type { Random } from '../../src/core/ports/random.ts';
import type { CancelTimer, Timers } from '../../src/core/ports/timers.ts';
import {
  encodeLedgerMessage,
  type FromKeeper,
  ledgerLimits,
  ledgerVersion,
  readFromKeeper,
  type ToKeeper,
} from '../../src/ledger/protocol.ts';
import type { Keeper } from '../../src/ledger/types.ts';
import { backoffDelay } from '../../src/resilience/index.ts';
import type { Log } from '../log.ts';
import type { KeeperDriver } from './keeperDriver.ts';

export type KeeperPeersDeps = {
  readonly driver: KeeperDriver;
  /** All keys of this process: it does not dial itself. */
  readonly own: readonly PublicKey[];
  readonly timers: Timers;
  readonly random: Pick<Random, 'next'>;
  readonly log: Log;
};

/** Lines to the other keepers: what this one says to them, and what it asks for. Each dials each, so every pair has two. */
export interface KeeperPeers {
  readonly connected: () => readonly string[];
  /** To all of them since the start. */
  readonly sentBytes: () => number;
  close(): void;
}

const dialSteps = [250, 500, 1_000, 2_000, 5_000, 10_000].map(milliseconds) as [
  ReturnType<typeof milliseconds>,
  ...ReturnType<typeof milliseconds>[],
];
/** A keeper says where it stands every 10 s: one that is silent for longer is gone, whatever TCP believes. */
const silentAfterMs = 35_000;
const maxBufferedBytes = 16 * 1024 * 1024;

/** Doesn't know what the messages mean. Dials again for ever: a keeper that was away for a week comes back by itself. */
export const connectPeers = (deps: KeeperPeersDeps): KeeperPeers => {
  const { driver } = deps;
  const lines = new Map<string, Line>();
  let turn = 0;
  let sentBytes = 0;

  /** By url: a keeper's key may change where it stands. */
  const follow = (keepers: readonly Keeper[]) => {
    const wanted = new Map(
      keepers
        .filter(({ url, key }) => url !== '' && !deps.own.some((one) => equalBytes(key, one)))
        .map(({ url, name }) => [url, name]),
    );
    for (const [url, line] of lines) {
      if (wanted.has(url)) continue;
      line.close();
      lines.delete(url);
    }
    for (const [url, name] of wanted) if (!lines.has(url)) lines.set(url, openLine(deps, url, name));
  };

  const open = () => [...lines.values()].filter((line) => line.isOpen());
  const send = (line: Line | undefined, bytes: Uint8Array) => {
    if (!line) return;
    sentBytes += bytes.byteLength;
    line.send(bytes);
  };
  const stop = driver.news((news) => {
    if (news.kind === 'toKeepers') {
      const bytes = encodeLedgerMessage(news.message);
      for (const line of open()) send(line, bytes);
    } else if (news.kind === 'toOneKeeper') {
      const ready = open();
      send(ready[turn++ % Math.max(1, ready.length)], encodeLedgerMessage(news.message));
    } else if (news.kind === 'final' && news.block.header.kind === 'epoch') follow(news.block.header.keepers);
  });
  follow(driver.ledger().keepers);

  return {
    connected: () => open().map(({ name }) => name),
    sentBytes: () => sentBytes,
    close() {
      stop();
      for (const line of lines.values()) line.close();
      lines.clear();
    },
  };
};

type Line = {
  readonly name: string;
  isOpen(): boolean;
  send(bytes: Uint8Array): void;
  close(): void;
};

const openLine = ({ driver, timers, random, log }: KeeperPeersDeps, url: string, name: string): Line => {
  let socket: WebSocket | undefined;
  let cancel: CancelTimer = () => {};
  let cancelSilence: CancelTimer = () => {};
  let attempt = 0;
  let closed = false;

  const say = (message: ToKeeper) => socket?.send(encodeLedgerMessage(message));

  const hear = async (data: Uint8Array) => {
    const read = readFromKeeper(data);
    if (!read.ok)
      return log('warn', 'a keeper sent what is no message', { name, reason: read.error.message });
    await onMessage(read.value);
  };

  const onMessage = async (message: FromKeeper): Promise<void> => {
    switch (message.t) {
      case 'agree':
        return void driver.hear(message);
      case 'status': {
        const { net, position } = driver.ledger();
        if (message.net !== net) log('error', 'a keeper serves another ledger', { name, net: message.net });
        else if (message.height > position.height) ask(position.height);
        return;
      }
      case 'block':
      case 'blocks':
        for (const bytes of message.t === 'block' ? [message.bytes] : message.blocks) {
          const adopted = await driver.adopt(bytes);
          if (!adopted.ok)
            return log('warn', 'a keeper sent a bad block', { name, reason: adopted.error.message });
        }
        if (message.t === 'blocks' && message.blocks.length > 0) {
          const { height } = driver.ledger().position;
          if (message.height > height && height > message.after) ask(height);
        }
        return;
      case 'refused':
        return log('debug', 'a keeper refused a message', { name, reason: message.reason });
      case 'submitted':
      case 'snapshot':
        return;
      default:
        return message satisfies never;
    }
  };

  const ask = (after: number) => say({ t: 'get', after, count: ledgerLimits.maxBlocks });

  const expectWord = () => {
    cancelSilence();
    cancelSilence = timers.after(milliseconds(silentAfterMs), () => socket?.terminate());
  };

  const again = () => {
    if (closed) return;
    const delay = backoffDelay(dialSteps, attempt++) * (0.75 + random.next() / 2);
    cancel = timers.after(milliseconds(delay), dial);
  };

  const dial = () => {
    const opening = new WebSocket(url, {
      perMessageDeflate: false,
      maxPayload: ledgerLimits.maxMessageBytes,
      handshakeTimeout: 5_000,
    });
    socket = opening;
    opening.on('open', () => {
      attempt = 0;
      expectWord();
      // Blocks are asked for when they are missing: a keeper makes most of them itself, and wants no pushes.
      say({ t: 'hello', v: ledgerVersion, net: driver.ledger().net, height: Number.MAX_SAFE_INTEGER - 1 });
    });
    opening.on('message', (data: Buffer) => {
      expectWord();
      hear(new Uint8Array(data)).catch((cause: unknown) =>
        log('error', 'a message of a keeper broke something', { name, cause: String(cause) }),
      );
    });
    opening.on('error', (cause) => log('debug', 'line to a keeper', { name, cause: cause.message }));
    opening.on('close', () => {
      cancelSilence();
      again();
    });
  };
  dial();

  return {
    name,
    isOpen: () => socket?.readyState === WebSocket.OPEN,
    send(bytes) {
      if (socket?.readyState !== WebSocket.OPEN) return;
      if (socket.bufferedAmount > maxBufferedBytes) return socket.terminate(); // what it missed is sent again
      socket.send(bytes);
    },
    close() {
      closed = true;
      cancel();
      cancelSilence();
      socket?.terminate();
    },
  };
};
