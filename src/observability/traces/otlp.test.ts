import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../core/bytes.ts';
import { unwrap } from '../../core/result.ts';
import { encodeOtlp, type OtlpEntry } from './otlp.ts';
import { otlpLimits, parseOtlpJson } from './otlpJson.ts';
import { decodeOtlpRequest } from './otlpProto.ts';
import { fullSpan as span, spanOf, fullResource as tab } from './testDoubles.ts';

const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64');

describe('spans as OTLP', () => {
  it('are read by OpenTelemetry’s own protobuf definitions', async () => {
    const request = decodeOtlpRequest(await encodeOtlp([{ resource: tab, span }], 'protobuf'));
    const [resourceSpans] = request.resourceSpans;
    expect(resourceSpans?.resource.attributes).toEqual(
      expect.arrayContaining([
        { key: 'service.name', value: { stringValue: 'aivillage-tab' } },
        { key: 'service.instance.id', value: { stringValue: 'peer-1' } },
        { key: 'service.version', value: { stringValue: '1.2.3' } },
      ]),
    );
    const [scope] = resourceSpans?.scopeSpans ?? [];
    expect(scope?.scope.name).toBe('aivillage');
    expect(scope?.spans).toHaveLength(1);
    expect(scope?.spans[0]).toMatchObject({
      traceId: base64(span.context.traceId),
      spanId: base64(span.context.spanId),
      parentSpanId: base64(span.parentId ?? ''),
      name: 'task',
      kind: 'SPAN_KIND_CLIENT',
      startTimeUnixNano: '1700000000123250000',
      endTimeUnixNano: '1700000001000000000',
      status: { code: 'STATUS_CODE_ERROR', message: 'it broke' },
      events: [{ name: 'sent', timeUnixNano: '1700000000500000000' }],
    });
    expect(scope?.spans[0]?.flags).toBe(0x101);
    expect(scope?.spans[0]?.attributes).toEqual(
      expect.arrayContaining([
        { key: 'kind', value: { stringValue: 'ocr.detect' } },
        { key: 'attempt', value: { intValue: '3' } },
        { key: 'share', value: { doubleValue: 0.5 } },
        { key: 'urgent', value: { boolValue: true } },
        { key: 'aivillage.where', value: { stringValue: 'worker' } },
      ]),
    );
  });

  it('come back from JSON as they were', async () => {
    const entries: OtlpEntry[] = [
      { resource: tab, span },
      { resource: tab, span: spanOf(3, { kind: 'server', startedAt: 5, endedAt: 6 }) },
    ];
    const read = unwrap(parseOtlpJson(await encodeOtlp(entries, 'json')));
    expect(read.refused).toBe(0);
    const { missing: _missing, ...fields } = span.fields;
    expect(read.entries[0]).toEqual({ resource: tab, span: { ...span, fields } });
    expect(read.entries[1]?.span).toEqual(entries[1]?.span);
  });

  it('are put together by what they ran in, and left out while they run', async () => {
    const server = { service: 'aivillage-server' } as const;
    const running = spanOf(9, { endedAt: undefined });
    const request = decodeOtlpRequest(
      await encodeOtlp(
        [
          { resource: tab, span: spanOf(1) },
          { resource: server, span: spanOf(2) },
          { resource: { ...tab }, span: spanOf(3) },
          { resource: tab, span: running },
        ],
        'protobuf',
      ),
    );
    expect(request.resourceSpans.map(({ scopeSpans }) => scopeSpans[0]?.spans.length)).toEqual([2, 1]);
  });
});

describe('what a tab posts', () => {
  const request = (resourceSpans: unknown) => utf8(JSON.stringify({ resourceSpans }));
  const good = {
    traceId: 'ab'.repeat(16),
    spanId: 'cd'.repeat(8),
    name: 's',
    kind: 3,
    startTimeUnixNano: '1000000',
    endTimeUnixNano: '2000000',
  };
  const wrapped = (spans: unknown[], attributes: unknown[] = []) =>
    request([{ resource: { attributes }, scopeSpans: [{ spans }] }]);

  it('can’t pass itself off as the server, nor add what the operator would', () => {
    const attribute = (key: string, stringValue: string) => ({ key, value: { stringValue } });
    const read = unwrap(
      parseOtlpJson(
        wrapped(
          [good],
          [
            attribute('service.name', 'bank'),
            attribute('service.instance.id', 'peer_1'),
            attribute('service.version', '<script>'),
            attribute('host.name', 'prod-1'),
          ],
        ),
      ),
    );
    expect(read.entries[0]?.resource).toEqual({
      service: 'aivillage-tab',
      instance: 'peer_1',
      version: undefined,
    });
  });

  it('has no secrets in it when it goes on', () => {
    const secret = 'https://h/#room=AAAAAAAAAAAAAAAAAAAAAA';
    const value = { stringValue: secret };
    const spans = [
      {
        ...good,
        name: secret,
        attributes: [{ key: secret, value }],
        events: [{ timeUnixNano: '1', name: secret, attributes: [{ key: 'k', value }] }],
        status: { code: 2, message: secret },
      },
    ];
    const read = unwrap(parseOtlpJson(wrapped(spans)));
    expect(read.entries).toHaveLength(1);
    expect(JSON.stringify(read)).not.toContain('AAAA');
  });

  it('loses single spans that are none, and says how many', () => {
    const bad = [
      { ...good, traceId: '0'.repeat(32) },
      { ...good, spanId: 'CD'.repeat(8) },
      { ...good, kind: 77 },
      { ...good, startTimeUnixNano: '-5' },
      { ...good, name: 7 },
      { ...good, startTimeUnixNano: '99999999999999999999' },
      null,
    ];
    const read = unwrap(parseOtlpJson(wrapped([good, ...bad])));
    expect([read.entries.length, read.refused]).toEqual([1, bad.length]);
  });

  it('is bounded in bytes, spans and parts', () => {
    expect(parseOtlpJson(new Uint8Array(otlpLimits.maxBytes + 1))).toMatchObject({
      error: { code: 'too-large' },
    });
    const many = Array.from({ length: otlpLimits.maxSpans + 3 }, () => good);
    expect(unwrap(parseOtlpJson(wrapped(many))).refused).toBe(3);
    const parts = Array.from({ length: 9 }, () => ({ resource: { attributes: [] }, scopeSpans: [] }));
    expect(parseOtlpJson(request(parts))).toMatchObject({ error: { code: 'malformed' } });
    expect(parseOtlpJson(utf8('['.repeat(200_000)))).toMatchObject({ error: { code: 'malformed' } });
    const deep = utf8(`{"resourceSpans":${'['.repeat(50_000)}${']'.repeat(50_000)}}`);
    expect(parseOtlpJson(deep)).toMatchObject({ error: { code: 'malformed' } });
  });

  it('never throws, whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.array(fc.jsonValue())), (value) => {
        parseOtlpJson(utf8(JSON.stringify(value)));
        parseOtlpJson(wrapped([{ ...good, attributes: value, status: value }]));
        parseOtlpJson(request(value));
      }),
      { seed: 5, numRuns: 200 },
    );
    expect(parseOtlpJson(Uint8Array.of(0xff, 0xfe))).toMatchObject({ ok: false });
  });
});
