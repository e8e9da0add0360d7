import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { milliseconds } from '../../core/brand.ts';
import { toHex } from '../../core/bytes.ts';
import { silentSpan } from '../../core/ports/telemetry.ts';
import {
  createJsonLinesTelemetry,
  createNodeClock,
  createNodeCrypto,
  createNodeRandom,
  createNodeTimers,
} from './index.ts';

const fromHex = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));

describe('node crypto', () => {
  const port = createNodeCrypto();

  it('signs as RFC 8032 §7.1, test 3, does', async () => {
    const key = await port.signingKeyFromSeed(
      fromHex('c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7'),
    );
    expect(toHex(key.publicKey)).toBe('fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025');
    expect(toHex(await key.sign(fromHex('af82')))).toBe(
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
    );
  });

  it('holds a signature to its key and its message', async () => {
    const [key, other] = [await port.generateSigningKey(), await port.generateSigningKey()];
    const message = new Uint8Array([9, 1, 2, 3, 9]).subarray(1, 4);
    const signature = await key.sign(message);
    expect(await port.verify(key.publicKey, new Uint8Array([1, 2, 3]), signature)).toBe(true);
    expect(await port.verify(key.publicKey, new Uint8Array([1, 2, 4]), signature)).toBe(false);
    expect(await port.verify(other.publicKey, message, signature)).toBe(false);
  });

  it('calls a stranger’s impossible key or signature false, not an error', async () => {
    const key = await port.generateSigningKey();
    expect(await port.verify(new Uint8Array(31), new Uint8Array(1), new Uint8Array(64))).toBe(false);
    expect(await port.verify(key.publicKey, new Uint8Array(1), new Uint8Array(3))).toBe(false);
  });

  it('hashes as SHA-256', async () => {
    expect(toHex(await port.digest(new TextEncoder().encode('abc')))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });
});

describe('node clock', () => {
  it('never goes back, and knows the year', () => {
    const clock = createNodeClock();
    const readings = Array.from({ length: 1_000 }, () => clock.monotonic());
    expect(readings).toEqual([...readings].sort((a, b) => a - b));
    expect(new Date(clock.now()).getUTCFullYear()).toBe(new Date().getUTCFullYear());
  });
});

describe('node random', () => {
  it('fills every byte, more than one call of WebCrypto gives too', () => {
    const many = createNodeRandom().bytes(200_000);
    expect(many).toHaveLength(200_000);
    expect(new Set(many.subarray(-1_000)).size).toBeGreaterThan(100);
  });

  it('stays in [0, 1) and moves', () => {
    const random = createNodeRandom();
    const drawn = Array.from({ length: 1_000 }, () => random.next());
    expect(drawn.every((value) => value >= 0 && value < 1)).toBe(true);
    expect(new Set(drawn).size).toBeGreaterThan(990);
  });
});

describe('node timers', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('run once after their delay, or every period, until cancelled', () => {
    const timers = createNodeTimers();
    const heard: string[] = [];
    timers.after(milliseconds(30), () => heard.push('once'));
    const stop = timers.every(milliseconds(20), () => heard.push('again'));
    timers.after(milliseconds(5), () => heard.push('never'))();
    vi.advanceTimersByTime(45);
    expect(heard).toEqual(['again', 'once', 'again']);
    stop();
    stop();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('wait for a delay longer than Node can count', () => {
    const timers = createNodeTimers({ holdsProcess: false });
    let ran = 0;
    timers.after(milliseconds(2 ** 31 + 5_000), () => ran++);
    timers.every(milliseconds(Number.POSITIVE_INFINITY), () => ran++);
    vi.advanceTimersByTime(60_000);
    expect(ran).toBe(0);
  });
});

describe('JSON lines', () => {
  const speak = (minimumLevel: 'debug' | 'info') => {
    const lines: string[] = [];
    const clock = { now: () => milliseconds(0), monotonic: () => milliseconds(0) };
    const telemetry = createJsonLinesTelemetry(
      { clock, write: (line) => void lines.push(line) },
      { minimumLevel },
    );
    return { telemetry, parsed: () => lines.map((line) => JSON.parse(line) as unknown), lines };
  };

  it('are one object each, whatever the message holds', () => {
    const { telemetry, parsed, lines } = speak('info');
    telemetry.log('warn', 'mesh', 'two\nlines "quoted"', { peer: 'abc' });
    expect(lines[0]?.match(/\n/g)).toHaveLength(1);
    expect(parsed()).toEqual([
      {
        at: '1970-01-01T00:00:00.000Z',
        level: 'warn',
        peer: 'abc',
        component: 'mesh',
        message: 'two\nlines "quoted"',
      },
    ]);
  });

  it('leave out what is below the level, numbers too', () => {
    const quiet = speak('info');
    quiet.telemetry.log('debug', 'mesh', 'detail');
    quiet.telemetry.count('tasks_done_total');
    expect(quiet.lines).toEqual([]);
    const loud = speak('debug');
    loud.telemetry.count('tasks_done_total', 2, { kind: 'page' });
    loud.telemetry.observe('rpc_seconds', 0.25);
    expect(loud.parsed()).toMatchObject([
      { component: 'metrics', count: 'tasks_done_total', value: 2, kind: 'page' },
      { component: 'metrics', observe: 'rpc_seconds', value: 0.25 },
    ]);
  });

  it('have a level for each component, belong to traces, and hide what they are told to hide', () => {
    const lines: string[] = [];
    const telemetry = createJsonLinesTelemetry(
      {
        clock: createNodeClock(),
        write: (line) => lines.push(line),
        redact: (text) => text.replaceAll('secret', '[hidden]'),
      },
      { minimumLevel: 'warn', levels: { bus: 'debug' } },
    );
    telemetry.log('info', 'host', 'too quiet');
    telemetry.log('debug', 'bus', 'a secret', { traceId: 'ab', spanId: 'cd', key: 'secret' });
    telemetry.setLevel('host', 'info');
    telemetry.log('info', 'host', 'heard now');
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { component: 'bus', message: 'a [hidden]', traceId: 'ab', spanId: 'cd', key: '[hidden]' },
      { component: 'host', message: 'heard now' },
    ]);
    expect(telemetry.span('s')).toBe(silentSpan);
  });

  it('do not let a field pass itself off as the message, the level or the time', () => {
    const { telemetry, parsed } = speak('info');
    telemetry.log('info', 'mesh', 'true', { message: 'forged', level: 'error', component: 'x', at: 'never' });
    expect(parsed()).toMatchObject([
      { level: 'info', component: 'mesh', message: 'true', at: '1970-01-01T00:00:00.000Z' },
    ]);
  });
});
