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

  it('refuses flags it does not know', () => {
    expect(readConfig({}, ['--prot', '80']).ok).toBe(false);
  });

  it('reads TURN servers', () => {
    const ice = JSON.stringify([{ urls: ['turn:turn.example:3478'], username: 'u', credential: 'c' }]);
    expect(readConfig({ AIVILLAGE_ICE: ice }, [])).toMatchObject({
      ok: true,
      value: { ice: [{ username: 'u' }] },
    });
    expect(readConfig({ AIVILLAGE_ICE: '[{"urls":["http://x"]}]' }, []).ok).toBe(false);
  });
});
