import { describe, expect, it } from 'vitest';
import { unwrap } from '../../src/core/result.ts';
import { readConfig } from '../config.ts';

const otlpOf = (environment: Readonly<Record<string, string>>) => {
  const config = unwrap(readConfig(environment, []));
  return config === 'help' ? undefined : config.otlp;
};

describe('where spans go', () => {
  it('is nowhere by default', () => {
    expect(otlpOf({})).toBeUndefined();
    expect(otlpOf({ AIVILLAGE_OTLP_HEADERS: 'a=b' })).toBeUndefined();
  });

  it('is a collector, with its headers; a path of its own stays', () => {
    expect(
      otlpOf({
        AIVILLAGE_OTLP_URL: 'http://collector:4318',
        AIVILLAGE_OTLP_HEADERS: 'Authorization=Bearer%20x%2Cy, x-team=a',
      }),
    ).toEqual({
      url: 'http://collector:4318/v1/traces',
      headers: { authorization: 'Bearer x,y', 'x-team': 'a' },
      encoding: 'protobuf',
      sampling: 1,
    });
    expect(
      otlpOf({
        AIVILLAGE_OTLP_URL: 'https://c.example/otlp/v1/traces?tenant=1',
        AIVILLAGE_OTLP_PROTOCOL: 'http/json',
        AIVILLAGE_OTLP_SAMPLING: '0.25',
      }),
    ).toMatchObject({
      url: 'https://c.example/otlp/v1/traces?tenant=1',
      encoding: 'json',
      sampling: 0.25,
    });
  });

  it.each([
    ['AIVILLAGE_OTLP_URL', 'ftp://collector'],
    ['AIVILLAGE_OTLP_URL', 'https://user:hunter2@collector'],
    ['AIVILLAGE_OTLP_HEADERS', 'hunter2'],
    ['AIVILLAGE_OTLP_HEADERS', 'a b=hunter2'],
    ['AIVILLAGE_OTLP_HEADERS', 'a=hunter2%0d%0ax: y'],
    ['AIVILLAGE_OTLP_HEADERS', 'a=hunter2%'],
    ['AIVILLAGE_OTLP_SAMPLING', '2'],
    ['AIVILLAGE_OTLP_PROTOCOL', 'grpc'],
  ])('refuses %s=%s without repeating a secret', (name, value) => {
    const config = readConfig({ [name]: value }, []);
    expect(config.ok).toBe(false);
    expect(JSON.stringify(config)).toContain(name);
    expect(JSON.stringify(config)).not.toContain('hunter2');
  });
});
