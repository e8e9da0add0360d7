import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createNodeClock } from '../src/platform/node/index.ts';
import { createRequestListener } from './http.ts';
import { createMetrics } from './metrics.ts';
import { isOwnOrigin } from './origins.ts';
import { createPostDesk } from './posts.ts';

let server: Server;
let port: number;
const taken: string[] = [];
const logged: string[] = [];

beforeAll(async () => {
  const route = {
    maxBytes: 100,
    rate: { capacity: 1_000, perSecond: 1 },
    handle: async (body: Uint8Array) => {
      taken.push(Buffer.from(body).toString());
      return { status: 202, type: 'application/json', body: '{}' };
    },
  };
  const posts = createPostDesk(
    { clock: createNodeClock() },
    {
      routes: { '/here': route, '/seldom': { ...route, rate: { capacity: 1, perSecond: 0.01 } } },
      isAllowedOrigin: isOwnOrigin,
    },
  );
  server = createServer(
    createRequestListener(
      { log: (_level, message) => void logged.push(message), metrics: createMetrics() },
      { files: new Map(), pages: {}, posts },
    ),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

type Sent = { readonly status: number; readonly headers: Record<string, string | string[] | undefined> };
const post = (path: string, body: string, headers: Record<string, string> = {}) =>
  new Promise<Sent>((resolve, reject) => {
    const request = httpRequest(
      {
        host: '127.0.0.1',
        port,
        path,
        method: 'POST',
        headers: { 'Content-Type': 'application/json', ...headers },
      },
      (response) => {
        response.resume();
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers }));
      },
    );
    request.on('error', reject);
    request.end(body);
  });

it('hands on what a tab of this host posts', async () => {
  expect((await post('/here', '{"a":1}', { Origin: `http://127.0.0.1:${port}` })).status).toBe(202);
  expect(taken).toContain('{"a":1}');
});

it.each([
  ['a page of another site', '/here', '{}', { Origin: 'https://elsewhere.example' }, 403],
  ['a form', '/here', 'a=1', { 'Content-Type': 'application/x-www-form-urlencoded' }, 415],
  ['what says that it is too large', '/here', 'x'.repeat(101), {}, 413],
  ['what does not say how large it is', '/here', 'x'.repeat(101), { 'Transfer-Encoding': 'chunked' }, 413],
  ['what nobody takes', '/there', '{}', {}, 405],
])('refuses %s', async (_what, path, body, headers, status) => {
  const before = taken.length;
  expect((await post(path, body, headers as Record<string, string>)).status).toBe(status);
  expect(taken.length).toBe(before);
});

it('says when an address may come again', async () => {
  expect((await post('/seldom', '{}')).status).toBe(202);
  const again = await post('/seldom', '{}');
  expect([again.status, Number(again.headers['retry-after']) > 1]).toEqual([429, true]);
});

it('is no failure of this host when who posts goes away in the middle', async () => {
  const before = logged.length;
  await new Promise<void>((resolve) => {
    const request = httpRequest({
      host: '127.0.0.1',
      port,
      path: '/here',
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Content-Length': '90' },
    });
    request.on('error', () => {});
    request.on('close', resolve);
    request.write('{"a":', () => setTimeout(() => request.destroy(), 50));
  });
  expect((await post('/here', '{}')).status).toBe(202);
  await expect.poll(() => logged.slice(before)).toContain('request');
  expect(logged.slice(before)).not.toContain('request failed');
});
