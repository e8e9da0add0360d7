import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseRange } from './files.ts';
import { securityHeaders } from './http.ts';
import { type RunningServer, startServer } from './server.ts';
import { testConfig } from './testDoubles.ts';

let server: RunningServer;
let folder: string;
const model = Buffer.from(Array.from({ length: 1_000 }, (_, i) => i % 251));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aivillage-site-'));
  await mkdir(join(folder, 'client/assets'), { recursive: true });
  await writeFile(join(folder, 'client/index.html'), `<!doctype html><title>t</title>${'x'.repeat(500)}`);
  await writeFile(join(folder, 'client/assets/model-abc.onnx'), model);
  await writeFile(join(folder, 'secret.txt'), 'secret');
  server = await startServer(testConfig, { log: () => {}, clientFolder: join(folder, 'client') });
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

const fetchPath = (path: string, init: { method?: string; headers?: Record<string, string> } = {}) =>
  new Promise<{ status: number; headers: Record<string, string | string[] | undefined>; body: Buffer }>(
    (resolve, reject) => {
      // node:http sends the path as it is; fetch would normalise `..` away.
      const request = httpRequest({ host: '127.0.0.1', port: server.port, path, ...init }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(parts),
          }),
        );
      });
      request.on('error', reject);
      request.end();
    },
  );

describe('static files', () => {
  it('serves the page without caching and hashed assets for ever', async () => {
    expect((await fetchPath('/')).headers['cache-control']).toBe('no-cache');
    expect((await fetchPath('/assets/model-abc.onnx')).headers['cache-control']).toContain('immutable');
  });

  it.each(['/', '/nothing', '/assets/model-abc.onnx', '/healthz', '/%zz'])(
    'isolates %s whatever the answer',
    async (path) => {
      const { headers } = await fetchPath(path);
      for (const [name, value] of Object.entries(securityHeaders))
        expect(headers[name.toLowerCase()]).toBe(value);
    },
  );

  it('has a policy without unsafe-inline or unsafe-eval', () => {
    const policy = securityHeaders['Content-Security-Policy'] ?? '';
    expect(policy).not.toContain('unsafe-inline');
    expect(policy).not.toMatch(/'unsafe-eval'/);
  });

  it.each(['/../secret.txt', '/assets/../../secret.txt', '/%2e%2e/secret.txt', '/..%2fsecret.txt'])(
    'does not leave its folder: %s',
    async (path) => {
      const { status, body } = await fetchPath(path);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(body.toString()).not.toContain('secret\n');
    },
  );

  it('answers a range with just these bytes', async () => {
    const { status, headers, body } = await fetchPath('/assets/model-abc.onnx', {
      headers: { Range: 'bytes=10-19' },
    });
    expect(status).toBe(206);
    expect(headers['content-range']).toBe('bytes 10-19/1000');
    expect(body.equals(model.subarray(10, 20))).toBe(true);
  });

  it('refuses a range outside the file', async () => {
    const { status, headers } = await fetchPath('/assets/model-abc.onnx', {
      headers: { Range: 'bytes=2000-' },
    });
    expect(status).toBe(416);
    expect(headers['content-range']).toBe('bytes */1000');
  });

  it('says unchanged to whoever has it', async () => {
    const first = await fetchPath('/');
    const again = await fetchPath('/', { headers: { 'If-None-Match': String(first.headers['etag']) } });
    expect(again.status).toBe(304);
    expect(again.body.byteLength).toBe(0);
  });

  it('compresses text', async () => {
    const { headers, body } = await fetchPath('/', { headers: { 'Accept-Encoding': 'gzip, br' } });
    expect(headers['content-encoding']).toBe('br');
    expect(body.byteLength).toBeLessThan(200);
  });

  it('answers HEAD without a body and refuses to be written to', async () => {
    const head = await fetchPath('/', { method: 'HEAD' });
    expect([head.status, head.body.byteLength]).toEqual([200, 0]);
    expect((await fetchPath('/', { method: 'POST' })).status).toBe(405);
  });
});

describe('operator pages', () => {
  it('say that it lives and is ready', async () => {
    expect((await fetchPath('/healthz')).status).toBe(200);
    expect(JSON.parse((await fetchPath('/readyz')).body.toString())).toMatchObject({ ready: true });
  });

  it('count what was served', async () => {
    const { body } = await fetchPath('/metrics');
    expect(body.toString()).toMatch(/aivillage_http_requests_total\{class="2xx"\} [1-9]/);
    expect(body.toString()).toContain('# TYPE aivillage_signaling_rooms gauge');
  });

  it('are not ready without a built client', async () => {
    const bare = await startServer(testConfig, { log: () => {}, clientFolder: join(folder, 'nothing') });
    const response = await fetch(`http://127.0.0.1:${bare.port}/readyz`);
    expect(response.status).toBe(503);
    await bare.close();
  });
});

describe('a taken port', () => {
  it('says so and what to do', async () => {
    const again = startServer({ ...testConfig, port: server.port }, { log: () => {}, clientFolder: folder });
    await expect(again).rejects.toThrow(/is taken.*--port/);
  });
});

describe('parseRange', () => {
  it.each([
    ['bytes=0-0', { start: 0, end: 0 }],
    ['bytes=5-', { start: 5, end: 9 }],
    ['bytes=-3', { start: 7, end: 9 }],
    ['bytes=-100', { start: 0, end: 9 }],
    ['bytes=2-100', { start: 2, end: 9 }],
    ['bytes=10-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=0-1,4-5', 'whole'],
    ['lines=1-2', 'whole'],
    [undefined, 'whole'],
  ])('%s of ten bytes is %j', (header, expected) => {
    expect(parseRange(header, 10)).toEqual(expected);
  });
});
