import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { encodeOtlp } from '../src/observability/index.ts';
import { type RunningServer, startServer } from './server.ts';
import { testConfig } from './testDoubles.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** Somebody whom an operator has named. */
const openReceiver = async () => {
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    bodies.push(Buffer.concat(parts).toString('utf8'));
    response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => new Promise((done) => server.close(() => done())));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/secret-path`, bodies };
};

const open = async (config: Partial<typeof testConfig> = {}) => {
  const server: RunningServer = await startServer(
    { ...testConfig, ...config },
    { log: () => {}, clientFolder: '/nonexistent' },
  );
  closers.push(() => server.close());
  const post = (path: string, body: BodyInit, type = 'application/json') =>
    fetch(`${server.url}${path}`, { method: 'POST', body, headers: { 'Content-Type': type } });
  return { url: server.url, post };
};

describe('a host that nobody has configured', () => {
  it('says that it takes nothing, and takes nothing', async () => {
    const { url, post } = await open();
    expect(await (await fetch(`${url}/telemetry`)).json()).toEqual({ collector: false, channels: [] });
    for (const path of ['/telemetry/traces', '/telemetry/alerts'])
      expect([404, 405]).toContain((await post(path, '{}')).status);
  });
});

describe('a host with a collector and a webhook', () => {
  const openBoth = async () => {
    const collector = await openReceiver();
    const webhook = await openReceiver();
    const host = await open({
      otlp: {
        url: collector.url,
        headers: { authorization: 'Bearer secret-token' },
        encoding: 'json',
        sampling: 0,
      },
      alerts: { webhook: webhook.url, slack: undefined, email: undefined },
    });
    return { ...host, collector, webhook };
  };

  it('tells what there is and not where', async () => {
    const { url } = await openBoth();
    const answer = await fetch(`${url}/telemetry`);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    const text = await answer.text();
    expect(JSON.parse(text)).toEqual({ collector: true, channels: ['webhook'] });
    expect(text).not.toMatch(/secret|127\.0\.0\.1/);
  });

  it('passes spans on to its collector', async () => {
    const { post, collector } = await openBoth();
    const resource = { service: 'aivillage-tab', instance: 'one', version: 'test' } as const;
    const span = {
      context: { traceId: '1'.repeat(32), spanId: '2'.repeat(16), sampled: true },
      parentId: undefined,
      name: 'job',
      kind: 'internal',
      where: 'tab',
      startedAt: 1_000,
      endedAt: 2_000,
      fields: {},
      events: [],
      failure: undefined,
    } as const;
    const body = await encodeOtlp([{ resource, span }], 'json');
    expect((await post('/telemetry/traces', new Uint8Array(body))).status).toBeLessThan(300);
    await expect.poll(() => collector.bodies.join(''), { timeout: 15_000 }).toContain('"name":"job"');
  }, 20_000);

  it('passes alerts on to its webhook', async () => {
    const { post, webhook } = await openBoth();
    const notification = {
      id: 'n1',
      group: 'work',
      kind: 'firing',
      severity: 'page',
      title: 'Jobs fail',
      text: 'Five of five failed.',
      alerts: [],
      at: 1_000,
    };
    const message = { version: 1, swarm: 'r'.repeat(43), notification };
    expect((await post('/telemetry/alerts', JSON.stringify(message))).status).toBeLessThan(300);
    await expect.poll(() => webhook.bodies.length).toBe(1);
    expect(JSON.parse(webhook.bodies[0] ?? '')).toMatchObject({
      schema: 'aivillage.alert',
      title: 'Jobs fail',
    });
  });

  it('refuses what is none, in words and without naming anybody', async () => {
    const { post, collector, webhook } = await openBoth();
    for (const path of ['/telemetry/traces', '/telemetry/alerts']) {
      const answer = await post(path, '{"resourceSpans": 7');
      expect(answer.status, path).toBe(400);
      expect(await answer.text()).not.toMatch(/secret/);
      expect((await post(path, '{}', 'text/plain')).status).toBe(415);
    }
    expect([collector.bodies, webhook.bodies]).toEqual([[], []]);
  });
});
