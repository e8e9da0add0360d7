/** Against a server for OTLP that others wrote: Elastic's, made for tests of OpenTelemetry's SDKs. */
import { MockOtlpServer, normalizeTrace } from '@elastic/mockotlpserver';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTraceExporter, encodeOtlp } from '../../src/observability/index.ts';
import {
  createTestClock,
  createTestRandom,
  fullSpan as span,
  fullResource as tab,
} from '../../src/observability/traces/testDoubles.ts';
import { createNodeTimers } from '../../src/platform/node/index.ts';
import { createOtlpRelay } from './relay.ts';

const timers = createNodeTimers({ holdsProcess: false });

const received: unknown[] = [];
const types: (string | undefined)[] = [];
const collector = new MockOtlpServer({
  services: ['http'],
  httpHostname: '127.0.0.1',
  httpPort: 0,
  logLevel: 'error',
  onTrace: (request) => received.push(normalizeTrace(request)),
  onRequest: ({ headers }) => types.push(headers['content-type']),
});
beforeAll(() => collector.start());
beforeEach(() => {
  received.length = 0;
  types.length = 0;
});
afterAll(() => collector.close());

const url = () => `${collector.httpUrl}v1/traces`;
/** Of one span, as the collector read it. */
const expected = (attributes: Readonly<Record<string, string>>) => [
  {
    resourceSpans: [
      {
        resource: {
          attributes: {
            'service.name': 'aivillage-tab',
            'service.instance.id': 'peer-1',
            'service.version': '1.2.3',
            ...attributes,
          },
        },
        scopeSpans: [
          {
            spans: [
              {
                traceId: span.context.traceId,
                spanId: span.context.spanId,
                parentSpanId: span.parentId,
                name: 'task',
                kind: 'SPAN_KIND_CLIENT',
                startTimeUnixNano: '1700000000123250000',
                endTimeUnixNano: '1700000001000000000',
                attributes: { kind: 'ocr.detect', attempt: 3, share: 0.5, urgent: true },
                events: [{ name: 'sent', timeUnixNano: '1700000000500000000' }],
                status: { code: 'STATUS_CODE_ERROR', message: 'it broke' },
              },
            ],
          },
        ],
      },
    ],
  },
];

describe('a collector of others', () => {
  it.each([
    ['protobuf', 'application/x-protobuf'],
    ['json', 'application/json'],
  ] as const)('takes what a tab says of its spans, as %s', async (encoding, type) => {
    const exporter = createTraceExporter(
      { timers, random: createTestRandom(), fetch },
      { url: url(), encoding },
    );
    exporter.add(tab, [span]);
    await exporter.flush();
    expect(exporter.stats()).toMatchObject({ sent: 1, waiting: 0, problem: undefined });
    await exporter.close();
    expect(types).toEqual([type]);
    expect(received).toMatchObject(expected({}));
  });

  it('takes what a tab posted from the host’s relay', async () => {
    const relay = createOtlpRelay(
      { clock: createTestClock().clock, timers, random: createTestRandom(), fetch },
      { url: url(), headers: {}, encoding: 'protobuf', sampling: 1 },
      { instance: 'host-1' },
    );
    const posted = await encodeOtlp([{ resource: tab, span }], 'json');
    expect((await relay.route.handle(posted, { address: '10.0.0.1' })).status).toBe(200);
    await relay.close();
    expect(relay.stats()).toMatchObject({ received: 1, sent: 1 });
    expect(received).toMatchObject(expected({ 'aivillage.host': 'host-1' }));
  });
});
