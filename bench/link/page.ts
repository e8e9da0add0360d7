/**
 * What a tab of the bench does, told by `link.bench.ts` through `globalThis.tab`. Two of them are connected twice: by the
 * product's link, and by a bare data channel.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { milliseconds, type PeerId } from '../../src/core/brand.ts';
import { type Bytes, toHex, utf8 } from '../../src/core/bytes.ts';
import { createEmitter } from '../../src/core/events.ts';
import { silentTelemetry } from '../../src/core/ports/telemetry.ts';
import { ok } from '../../src/core/result.ts';
import { createRpc } from '../../src/mesh/rpc/rpc.ts';
import { echoMethod, transportOver } from './echo.ts';
import { clock, openBare, openLink, type Path, timers } from './paths.ts';

export type PathName = 'link' | 'bare';
/** Text between the two tabs until they are connected; the bench carries it. */
declare const sendSignal: (path: PathName, text: string) => void;

const signals = { link: createEmitter<string>(), bare: createEmitter<string>() };
const other = 'other' as PeerId;
const isSmall = (message: Bytes) => message.byteLength < 64;
/** Of a bulk stream over a link: as many messages wait as keep it from running empty. */
const waitingMessages = 4;

const now = () => performance.timeOrigin + performance.now();
const nextMessage = (path: Path, fits: (message: Bytes) => boolean): Promise<Bytes> =>
  new Promise((resolve) => {
    const stop = path.messages((message) => {
      if (!fits(message)) return;
      stop();
      resolve(message);
    });
  });

/** Differs in every message, so that none can stand for another. */
const fillMessage = (bytes: number, seed: number): Bytes => {
  const words = new Uint32Array(Math.ceil(bytes / 4));
  let state = (seed + 1) * 2_654_435_761;
  for (let i = 0; i < words.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    words[i] = state;
  }
  return new Uint8Array(words.buffer, 0, bytes);
};

const open = async (initiator: boolean) => {
  const signallingOf = (path: PathName) => ({
    signal: (text: string) => sendSignal(path, text),
    signals: signals[path].subscribe,
  });
  const [link, bare] = await Promise.all([
    openLink(signallingOf('link'), initiator),
    openBare(signallingOf('bare'), initiator),
  ]);
  const paths: Record<PathName, Path> = { link, bare };
  const rpc = createRpc(transportOver(link.link, other), { clock, timers, telemetry: silentTelemetry });
  rpc.handle(echoMethod, async (input) => ok(input));

  /** Sends until `bytes` are out; resolves when the other side says that it has them all. In milliseconds. */
  const stream = async (name: PathName, bytes: number, messageBytes: number): Promise<number> => {
    const path = paths[name];
    const message = fillMessage(messageBytes, 1);
    const arrived = nextMessage(path, isSmall);
    const started = performance.now();
    await sendAll(path, bytes, messageBytes, () => message);
    await arrived;
    return performance.now() - started;
  };

  const sendAll = async (
    path: Path,
    bytes: number,
    messageBytes: number,
    messageAt: (index: number) => Bytes,
  ) => {
    const onTheirWay: Promise<void>[] = [];
    for (let i = 0; i < bytes / messageBytes; i++) {
      onTheirWay.push(path.send(messageAt(i), 'bulk'));
      if (path === bare || onTheirWay.length >= waitingMessages) await onTheirWay.shift();
    }
    await Promise.all(onTheirWay);
  };

  const askBare = (message: Bytes): Promise<Bytes> => {
    const answer = nextMessage(bare, () => true);
    void bare.send(message, 'control');
    return answer;
  };
  const askRpc = async (message: Bytes): Promise<Uint8Array | undefined> => {
    const answer = await rpc.call(other, echoMethod, message, { deadline: milliseconds(5_000) });
    return answer.ok ? answer.value : undefined;
  };

  let stopReceiving = () => {};
  let received: { bytes: number; hash: string | undefined };
  return {
    stream,
    /** Counts what comes, and says so to the sender when it has all. */
    receive(name: PathName, bytes: number, hashed: boolean): void {
      stopReceiving();
      const hash = hashed ? sha256.create() : undefined;
      received = { bytes: 0, hash: undefined };
      stopReceiving = paths[name].messages((message) => {
        received.bytes += message.byteLength;
        hash?.update(message);
        if (received.bytes < bytes) return;
        if (hash) received.hash = toHex(hash.digest());
        void paths[name].send(utf8('all'), 'control');
        stopReceiving();
      });
    },
    received: () => received,
    /** The SHA-256 of what was sent. */
    async sendHashed(name: PathName, bytes: number, messageBytes: number): Promise<string> {
      const hash = sha256.create();
      const arrived = nextMessage(paths[name], isSmall);
      await sendAll(paths[name], bytes, messageBytes, (index) => {
        const message = fillMessage(messageBytes, index);
        hash.update(message);
        return message;
      });
      await arrived;
      return toHex(hash.digest());
    },

    /** Answers each message of a bare channel with itself. */
    echo(): void {
      stopReceiving();
      stopReceiving = bare.messages((message) => void bare.send(message, 'control'));
    },
    /** By turns over both ways, so that both meet the same machine. In milliseconds. */
    async roundTrips(bytes: number, times: number): Promise<Record<'rpc' | 'bare', number[]>> {
      const taken = { rpc: [] as number[], bare: [] as number[] };
      const message = fillMessage(bytes, 2);
      for (let i = 0; i < times; i++) {
        for (const [way, ask] of Object.entries({ bare: askBare, rpc: askRpc })) {
          const started = performance.now();
          const answer = await ask(message);
          taken[way as keyof typeof taken].push(performance.now() - started);
          if (answer?.byteLength !== bytes) throw new Error(`${way}: the echo is not what was sent`);
        }
      }
      return taken;
    },

    /** Delays of messages of `bytes` behind a stream that fills the link, as the receiver will tell. */
    async interrupt(bytes: number, times: number, everyMs: number): Promise<void> {
      let streaming = true;
      const bulk = fillMessage(2 ** 20, 4);
      const streams = Array.from({ length: waitingMessages }, async () => {
        while (streaming) await link.send(bulk, 'bulk');
      });
      await new Promise((resolve) => setTimeout(resolve, 500));
      for (let i = 0; i < times; i++) {
        const message = new Uint8Array(bytes);
        new DataView(message.buffer).setFloat64(0, now());
        void link.send(message, 'control');
        await new Promise((resolve) => setTimeout(resolve, everyMs));
      }
      streaming = false;
      await Promise.all(streams);
    },
    /** By the one clock of the machine. */
    watchDelays(bytes: number): void {
      stopReceiving();
      delays.length = 0;
      stopReceiving = link.messages((message) => {
        if (message.byteLength !== bytes) return;
        delays.push(now() - new DataView(message.buffer, message.byteOffset).getFloat64(0));
      });
    },
    delays: () => delays,
  };
};

const delays: number[] = [];

export type Tab = Awaited<ReturnType<typeof open>>;

Object.assign(globalThis, {
  openTab: async (initiator: boolean) => {
    Object.assign(globalThis, { tab: await open(initiator) });
  },
  acceptSignal: (path: PathName, text: string) => signals[path].emit(text),
});
