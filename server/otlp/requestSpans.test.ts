import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { createTracer, type SpanRecord } from '../../src/observability/index.ts';
import { createTestClock, createTestRandom } from '../../src/observability/traces/testDoubles.ts';
import { traceRequest } from './requestSpans.ts';

const serve = async (status: number) => {
  const kept: SpanRecord[] = [];
  const tracer = createTracer(
    { clock: createTestClock().clock, random: createTestRandom(), keep: (record) => kept.push(record) },
    { where: 'server' },
  );
  const server = createServer((request, response) => {
    traceRequest(tracer.span, request, response);
    response.statusCode = status;
    response.end('x');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const get = async (headers: Record<string, string>) => {
    await (await fetch(`http://127.0.0.1:${port}/models/a.onnx?room=secret`, { headers })).text();
    await new Promise((resolve) => server.close(resolve));
  };
  return { kept, get };
};
const traceparent = `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01`;

describe('a request to the host', () => {
  it('is a span of the trace that it says it is of', async () => {
    const { kept, get } = await serve(200);
    await get({ traceparent });
    expect(kept).toEqual([
      expect.objectContaining({
        parentId: 'cd'.repeat(8),
        kind: 'server',
        where: 'server',
        fields: { method: 'GET', path: '/models/a.onnx', status: 200, whole: true },
        failure: undefined,
      }),
    ]);
  });

  it('has failed where the host has', async () => {
    const { kept, get } = await serve(503);
    await get({ traceparent });
    expect(kept[0]?.failure).toBe('answered 503');
  });

  it.each([[{}], [{ traceparent: 'nonsense' }]])(
    'is none without one, or with a bad one',
    async (headers) => {
      const { kept, get } = await serve(200);
      await get(headers);
      expect(kept).toEqual([]);
    },
  );
});
