import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { milliseconds } from '../../src/core/brand.ts';
import {
  createTraceExporter,
  type ExporterOptions,
  encodeOtlp,
  type SpanRecord,
} from '../../src/observability/index.ts';
import { decodeOtlpRequest, encodeOtlpResponse } from '../../src/observability/traces/otlpProto.ts';
import { createTestClock, createTestRandom, spanOf } from '../../src/observability/traces/testDoubles.ts';
import { createNodeTimers } from '../../src/platform/node/index.ts';
import { createOtlpRelay, type OtlpConfig } from './relay.ts';

type Received = {
  readonly headers: IncomingMessage['headers'];
  readonly url: string | undefined;
  readonly body: Uint8Array;
};
type Behaviour = (response: ServerResponse, count: number) => void;
const open: Server[] = [];

/** A collector on a real socket: it takes what its definitions can read, and answers as a test says. */
const openCollector = async (behave: Behaviour = (response) => void response.end(encodeOtlpResponse())) => {
  const received: Received[] = [];
  let count = 0;
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      received.push({ headers: request.headers, url: request.url, body: Buffer.concat(parts) });
      response.setHeader('Content-Type', 'application/x-protobuf');
      behave(response, ++count);
    });
  });
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const names = () =>
    received.flatMap(({ body }) =>
      decodeOtlpRequest(body).resourceSpans.flatMap(({ scopeSpans }) =>
        scopeSpans.flatMap(({ spans }) => spans.map(({ name }) => name)),
      ),
    );
  return { url: `http://127.0.0.1:${port}/v1/traces`, received, names };
};
afterEach(() => {
  for (const server of open.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

const random = createTestRandom();
/** Real time: what is tested is a real socket. Waits are short. */
const timers = createNodeTimers({ holdsProcess: false });
const quick = {
  encoding: 'protobuf',
  every: milliseconds(5),
  timeout: milliseconds(5_000),
  backoff: milliseconds(4),
  longestBackoff: milliseconds(10),
} as const;
const exporterTo = (url: string, options: Partial<ExporterOptions> = {}) =>
  createTraceExporter({ timers, random, fetch }, { url, ...quick, ...options });
const tab = { service: 'aivillage-tab', instance: 'peer-1' } as const;
const spans = (count: number, from = 1): SpanRecord[] =>
  Array.from({ length: count }, (_, i) => spanOf(from + i, { name: `s${from + i}` }));
const until = async (condition: () => boolean) => {
  for (let i = 0; i < 500 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 2));
  expect(condition()).toBe(true);
};

describe('the way to a collector', () => {
  it('brings spans in batches, with the headers that the collector wants', async () => {
    const collector = await openCollector();
    const exporter = exporterTo(collector.url, { maxBatch: 3, headers: { authorization: 'Bearer x' } });
    exporter.add(tab, spans(7));
    await exporter.flush();
    expect(collector.names()).toEqual(['s1', 's2', 's3', 's4', 's5', 's6', 's7']);
    expect(collector.received).toHaveLength(3);
    expect(collector.received[0]).toMatchObject({
      url: '/v1/traces',
      headers: { authorization: 'Bearer x', 'content-type': 'application/x-protobuf' },
    });
    expect(exporter.stats()).toMatchObject({ sent: 7, waiting: 0, problem: undefined });
  });

  it('tries again what a collector had no time for, and nothing twice', async () => {
    const collector = await openCollector((response, count) => {
      response.statusCode = count < 3 ? 503 : 200;
      response.end();
    });
    const exporter = exporterTo(collector.url);
    exporter.add(tab, spans(2));
    await until(() => exporter.stats().sent === 2);
    expect(collector.received).toHaveLength(3);
    expect(exporter.stats()).toMatchObject({ waiting: 0, dropped: { refused: 0, unreachable: 0 } });
  });

  it('does not try again what a collector refuses', async () => {
    const collector = await openCollector((response) => {
      response.statusCode = 400;
      response.end('no');
    });
    const exporter = exporterTo(collector.url);
    exporter.add(tab, spans(2));
    await exporter.flush();
    expect(collector.received).toHaveLength(1);
    expect(exporter.stats()).toMatchObject({ waiting: 0, dropped: { refused: 2 } });
    expect(exporter.stats().problem).toContain('400');
  });

  it('counts what a partial success left out', async () => {
    const collector = await openCollector((response) =>
      response.end(encodeOtlpResponse({ rejectedSpans: 2, errorMessage: 'too old' })),
    );
    const exporter = exporterTo(collector.url);
    exporter.add(tab, spans(5));
    await exporter.flush();
    expect(exporter.stats()).toMatchObject({ sent: 3, dropped: { refused: 2 } });
  });

  it('gives up one that hangs, after its time, and goes on when it is back', async () => {
    const collector = await openCollector((response, count) => {
      if (count > 1) response.end();
    });
    const exporter = exporterTo(collector.url, { timeout: milliseconds(60) });
    exporter.add(tab, spans(1));
    await exporter.flush();
    expect(exporter.stats()).toMatchObject({ sent: 0, waiting: 1 });
    expect(exporter.stats().problem).toContain('no answer');
    await until(() => exporter.stats().sent === 1);
  });

  it('gives up one whose answer never ends', async () => {
    const collector = await openCollector((response) => void response.write('x'));
    const exporter = exporterTo(collector.url, { tries: 1, timeout: milliseconds(60) });
    exporter.add(tab, spans(1));
    await exporter.flush();
    expect(exporter.stats()).toMatchObject({ waiting: 0, dropped: { unreachable: 1 } });
  });

  it('keeps to its bounds while nobody is there', async () => {
    const exporter = exporterTo('http://127.0.0.1:9/v1/traces', { maxWaiting: 10, tries: 2 });
    for (let i = 0; i < 50; i++) exporter.add(tab, spans(1, 1 + i));
    expect(exporter.stats()).toMatchObject({ waiting: 10, dropped: { full: 40 } });
    await until(() => exporter.stats().dropped.unreachable === 10);
    await exporter.close();
    exporter.add(tab, spans(1));
    expect(exporter.stats().waiting).toBe(0);
  });

  it('does not follow an answer that leads elsewhere', async () => {
    const elsewhere = await openCollector();
    const collector = await openCollector((response) => {
      response.writeHead(307, { Location: elsewhere.url });
      response.end();
    });
    const exporter = exporterTo(collector.url, { headers: { authorization: 'secret' }, tries: 1 });
    exporter.add(tab, spans(1));
    await exporter.flush();
    expect(elsewhere.received).toEqual([]);
    expect(JSON.stringify(exporter.stats())).not.toContain('secret');
  });

  it('sends the newest that fit into one request when the page is left', async () => {
    const collector = await openCollector();
    const exporter = exporterTo(collector.url);
    exporter.add(tab, spans(100));
    await exporter.flush('leaving');
    expect(collector.names()).toHaveLength(60);
    expect(collector.names().at(-1)).toBe('s100');
  });
});

describe('the host’s relay', () => {
  const openRelay = (url: string, more: Partial<OtlpConfig> = {}) =>
    createOtlpRelay(
      { clock: createTestClock().clock, timers, random, fetch },
      { url, headers: {}, encoding: 'protobuf', sampling: 1, ...more },
      { instance: 'host-1' },
    );
  const from = { address: '10.0.0.1' };

  it('passes on what a tab posts, and says which host it came through', async () => {
    const collector = await openCollector();
    const relay = openRelay(collector.url);
    const posted = await encodeOtlp(
      spans(2).map((span) => ({ resource: tab, span })),
      'json',
    );
    expect(await relay.route.handle(posted, from)).toMatchObject({ status: 200, body: '{}' });
    relay.span('http', { kind: 'server' }).end();
    await relay.close();
    expect(collector.names().sort()).toEqual(['http', 's1', 's2']);
    const [tabs, own] = collector.received.flatMap(({ body }) => decodeOtlpRequest(body).resourceSpans);
    expect(tabs?.resource.attributes).toEqual(
      expect.arrayContaining([
        { key: 'aivillage.host', value: { stringValue: 'host-1' } },
        { key: 'service.instance.id', value: { stringValue: 'peer-1' } },
      ]),
    );
    expect(own?.resource.attributes).toEqual(
      expect.arrayContaining([{ key: 'service.name', value: { stringValue: 'aivillage-server' } }]),
    );
    expect(relay.stats()).toMatchObject({ received: 2, malformed: 0, sent: 3 });
  });

  it('refuses what is none, and answers at once whatever the collector does', async () => {
    const collector = await openCollector(() => {});
    const relay = openRelay(collector.url);
    expect(await relay.route.handle(Buffer.from('{"resourceSpans":7}'), from)).toMatchObject({ status: 400 });
    const posted = await encodeOtlp([{ resource: tab, span: spanOf(1) }], 'json');
    const broken = Buffer.from(posted.toString());
    expect((await relay.route.handle(broken, from)).status).toBe(400);
    expect((await relay.route.handle(posted, from)).status).toBe(200);
    expect(relay.stats()).toMatchObject({ received: 1, malformed: 2 });
  });

  it('keeps no span that is as large as a post: thousands of them may wait', async () => {
    const relay = openRelay('http://127.0.0.1:9/v1/traces');
    const events = Array.from({ length: 32 }, (_, at) => ({
      at: 1_000 + at,
      name: 'event',
      fields: Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`field${i}`, 'x'.repeat(1_000)])),
    }));
    const posted = await encodeOtlp(
      [spanOf(1), spanOf(2, { events }), spanOf(3)].map((span) => ({ resource: tab, span })),
      'json',
    );
    expect(posted.byteLength).toBeLessThan(relay.route.maxBytes);
    const answer = await relay.route.handle(posted, from);
    expect(JSON.parse(answer.body)).toMatchObject({ partialSuccess: { rejectedSpans: '1' } });
    expect(relay.stats()).toMatchObject({ waiting: 2, received: 2, malformed: 1 });
  });

  it('tells a tab how many of its spans were none', async () => {
    const collector = await openCollector();
    const relay = openRelay(collector.url);
    const json: unknown = JSON.parse(
      new TextDecoder().decode(await encodeOtlp([{ resource: tab, span: spanOf(1) }], 'json')),
    );
    const text = JSON.stringify(json).replace(spanOf(1).context.spanId, '0'.repeat(16));
    const answer = await relay.route.handle(Buffer.from(text), from);
    expect(JSON.parse(answer.body)).toMatchObject({ partialSuccess: { rejectedSpans: '1' } });
  });
});
