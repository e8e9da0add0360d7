import { describe, expect, it } from 'vitest';
import { readConfig } from './config.ts';

describe('configuration', () => {
  it('has defaults that expose nothing to the network', () => {
    const config = readConfig({}, []);
    expect(config).toMatchObject({ ok: true, value: { host: '127.0.0.1', port: 8787, tls: false } });
  });

  it('lets flags win over the environment', () => {
    const config = readConfig({ AIVILLAGE_PORT: '1000' }, ['--port', '2000', '--host', '0.0.0.0', '--tls']);
    expect(config).toMatchObject({ ok: true, value: { port: 2000, host: '0.0.0.0', tls: true } });
  });

  it('lists every problem with what was found', () => {
    const config = readConfig(
      { AIVILLAGE_PORT: 'many', AIVILLAGE_ICE: '{', AIVILLAGE_LOG_LEVEL: 'loud' },
      [],
    );
    expect(config.ok ? [] : config.error.map((line) => line.split(' ')[0])).toEqual([
      'AIVILLAGE_PORT',
      'AIVILLAGE_ICE',
      'AIVILLAGE_LOG_LEVEL',
    ]);
    expect(config.ok ? '' : config.error[0]).toContain('"many"');
  });

  const problemsOf = (environment: Record<string, string>, args: readonly string[]) => {
    const config = readConfig(environment, args);
    return config.ok ? [] : config.error;
  };

  it('lists problems of flags and of the environment together, each by its own name', () => {
    const problems = problemsOf({ AIVILLAGE_TLS: 'yes' }, ['--prot', '80', '--port', '70000', '--tls=on']);
    expect(problems).toEqual([
      '--prot is not an option (see --help)',
      '"80" is not an option (see --help)',
      '--tls takes no value (found: "on")',
      '--port must be at most 65535 (found: 70000)',
      'AIVILLAGE_TLS must be 0 or 1 (found: "yes")',
    ]);
  });

  it('does not take the next flag for a missing value', () => {
    expect(problemsOf({}, ['--host', '--tls'])).toContain('--host needs a value');
    expect(problemsOf({}, ['--port'])).toEqual(['--port needs a value']);
  });

  it('explains itself even beside problems', () => {
    expect(readConfig({ AIVILLAGE_PORT: 'x' }, ['--help'])).toEqual({ ok: true, value: 'help' });
    expect(readConfig({}, ['-h'])).toEqual({ ok: true, value: 'help' });
  });

  it('takes origins, and nothing that merely looks like one', () => {
    expect(readConfig({ AIVILLAGE_ORIGINS: 'https://a.example, http://b.example:8080' }, [])).toMatchObject({
      ok: true,
      value: { origins: ['https://a.example', 'http://b.example:8080'] },
    });
    for (const wrong of ['a.example', 'https://a.example/', '*']) {
      expect(problemsOf({ AIVILLAGE_ORIGINS: wrong }, [])).toHaveLength(1);
    }
  });

  it('bounds how many tabs a room takes', () => {
    const read = (limit?: string) =>
      readConfig(limit === undefined ? {} : { AIVILLAGE_MAX_PEERS_PER_ROOM: limit }, []);
    expect(read()).toMatchObject({ value: { maxPeersPerRoom: 2_000 } });
    expect(read('2')).toMatchObject({ value: { maxPeersPerRoom: 2 } });
    expect(read('100000')).toMatchObject({ value: { maxPeersPerRoom: 100_000 } });
    for (const wrong of ['1', '100001', 'many', '']) expect(read(wrong).ok).toBe(false);
  });

  it('takes the addresses of a bus, and shows none that it refuses', () => {
    const read = (bus: string) => readConfig({ AIVILLAGE_BUS: bus }, []);
    expect(readConfig({}, [])).toMatchObject({ value: { bus: undefined } });
    expect(read('nats://a.example:4333, nats://b.example')).toMatchObject({
      value: { bus: { servers: ['a.example:4333', 'b.example:4222'], tls: false } },
    });
    expect(read('tls://us%40er:p%3Aw@[::1]:4222')).toMatchObject({
      value: { bus: { servers: ['[::1]:4222'], tls: true, login: { user: 'us@er', pass: 'p:w' } } },
    });
    expect(read('nats://secret-token@a')).toMatchObject({
      value: { bus: { login: { token: 'secret-token' } } },
    });
    for (const wrong of [
      'a:4222',
      'http://a',
      'nats://',
      'nats://u:hidden@a/path',
      'nats://hidden%@a',
      'nats://u:hidden@a,nats://b',
    ]) {
      const problems = problemsOf({ AIVILLAGE_BUS: wrong }, []);
      expect(problems).toHaveLength(1);
      expect(problems[0]).toContain('not shown');
      expect(problems[0]).not.toContain('hidden');
    }
  });

  it('bounds what is carried, and can switch it off', () => {
    const read = (bytes: string) => readConfig({ AIVILLAGE_CARRY_BYTES_PER_SECOND: bytes }, []);
    expect(readConfig({}, [])).toMatchObject({
      value: { carry: { bytesPerSecond: 2 ** 20, totalBytesPerSecond: 50 * 2 ** 20 } },
    });
    expect(read('0')).toMatchObject({ value: { carry: { bytesPerSecond: 0 } } });
    expect(read('16384').ok).toBe(true);
    for (const wrong of ['16383', '-1', '1e6', '']) expect(read(wrong).ok).toBe(false);
    expect(problemsOf({ AIVILLAGE_CARRY_TOTAL_BYTES_PER_SECOND: '10' }, [])).toHaveLength(1);
  });

  it('refuses STUN and TURN servers that pages would refuse', () => {
    const server = { urls: ['stun:stun.example'] };
    const check = (servers: unknown) => problemsOf({ AIVILLAGE_ICE: JSON.stringify(servers) }, []);
    expect(check(Array.from({ length: 8 }, () => server))).toEqual([]);
    expect(check(Array.from({ length: 9 }, () => server))).toEqual([expect.stringContaining('at most 8')]);
    expect(check([{ urls: [`stun:${'x'.repeat(256)}`] }])).toEqual([expect.stringContaining('256')]);
  });

  it('reads TURN servers', () => {
    const ice = JSON.stringify([{ urls: ['turn:turn.example:3478'], username: 'u', credential: 'c' }]);
    expect(readConfig({ AIVILLAGE_ICE: ice }, [])).toMatchObject({
      ok: true,
      value: { ice: [{ username: 'u' }] },
    });
    expect(readConfig({ AIVILLAGE_ICE: '[{"urls":["http://x"]}]' }, []).ok).toBe(false);
  });

  it('makes passwords for TURN servers only with both, their addresses and their secret', () => {
    const both = {
      AIVILLAGE_TURN_URLS: 'turn:turn.example:3478, turns:turn.example:5349',
      AIVILLAGE_TURN_SECRET: 'a secret of some length',
    };
    expect(readConfig(both, [])).toMatchObject({
      ok: true,
      value: {
        turn: {
          urls: ['turn:turn.example:3478', 'turns:turn.example:5349'],
          secret: 'a secret of some length',
        },
      },
    });
    expect(readConfig({}, [])).toMatchObject({ value: { turn: undefined } });
    const { AIVILLAGE_TURN_URLS, AIVILLAGE_TURN_SECRET } = both;
    expect(problemsOf({ AIVILLAGE_TURN_URLS }, [])).toEqual([
      expect.stringContaining('needs AIVILLAGE_TURN_SECRET'),
    ]);
    expect(problemsOf({ AIVILLAGE_TURN_SECRET }, [])).toEqual([
      expect.stringContaining('needs AIVILLAGE_TURN_URLS'),
    ]);
    expect(problemsOf({ ...both, AIVILLAGE_TURN_SECRET: 'short' }, [])).toEqual([
      'AIVILLAGE_TURN_SECRET must have 16 characters or more (found: not shown)',
    ]);
    expect(problemsOf({ ...both, AIVILLAGE_TURN_URLS: 'stun:x' }, [])).toEqual([
      expect.stringContaining('turn: or turns:'),
    ]);
    const eight = JSON.stringify(Array.from({ length: 8 }, () => ({ urls: ['stun:x'] })));
    expect(problemsOf({ ...both, AIVILLAGE_ICE: eight }, [])).toEqual([expect.stringContaining('at most 7')]);
  });
});
