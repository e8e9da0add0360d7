import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { connect as connectTcp } from 'node:net';
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
  await mkdir(join(folder, 'client/models'));
  for (const name of [
    'assets/code.mjs',
    'assets/code.wasm',
    'models/det-1234.onnx',
    'manifest.webmanifest',
  ]) {
    await writeFile(join(folder, 'client', name), name);
  }
  for (const name of ['service-worker.js', '.built', 'changing.txt']) {
    await writeFile(join(folder, 'client', name), name);
  }
  await writeFile(join(folder, 'secret.txt'), 'secret\n');
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

  it('continues a download only of the same version', async () => {
    const path = '/assets/model-abc.onnx';
    const etag = String((await fetchPath(path)).headers['etag']);
    const resume = (condition: string) =>
      fetchPath(path, { headers: { Range: 'bytes=990-', 'If-Range': condition } });
    expect([(await resume(etag)).status, (await resume('"old"')).status]).toEqual([206, 200]);
  });

  it('does not let an error be kept as if it were the file', async () => {
    const { headers } = await fetchPath('/assets/model-abc.onnx', { headers: { Range: 'bytes=2000-' } });
    expect([headers['cache-control'], headers['etag']]).toEqual(['no-store', undefined]);
  });

  it('says the whole length to HEAD, range or not', async () => {
    const { status, headers } = await fetchPath('/assets/model-abc.onnx', {
      method: 'HEAD',
      headers: { Range: 'bytes=0-9' },
    });
    expect([status, headers['content-length']]).toEqual([200, '1000']);
  });

  it.each([
    ['br;q=0, gzip', 'gzip'],
    ['gzip;q=0.5', 'gzip'],
    ['br; q=0', undefined],
    ['identity', undefined],
    ['', undefined],
  ])('gives a reader who accepts "%s" the encoding %s', async (accepted, encoding) => {
    const { headers } = await fetchPath('/', { headers: { 'Accept-Encoding': accepted } });
    expect(headers['content-encoding']).toBe(encoding);
    expect(headers['vary']).toBe('Accept-Encoding');
  });

  it.each([
    ['/assets/code.mjs', 'text/javascript; charset=utf-8'],
    ['/assets/code.wasm', 'application/wasm'],
    ['/assets/model-abc.onnx', 'application/octet-stream'],
    ['/manifest.webmanifest', 'application/manifest+json; charset=utf-8'],
    ['/', 'text/html; charset=utf-8'],
  ])('says what %s is', async (path, type) => {
    expect((await fetchPath(path)).headers['content-type']).toBe(type);
  });

  it('never keeps the worker, the manifest or the page, and always what is named by its content', async () => {
    const kept = async (path: string) => (await fetchPath(path)).headers['cache-control'];
    for (const path of ['/', '/index.html', '/service-worker.js', '/manifest.webmanifest']) {
      expect(await kept(path)).toBe('no-cache');
    }
    expect(await kept('/models/det-1234.onnx')).toContain('immutable');
  });

  it('does not serve hidden files, and does not mistake a missing file for the page', async () => {
    expect((await fetchPath('/.built')).status).toBe(404);
    expect((await fetchPath('/assets/gone.js')).status).toBe(404);
  });

  it('says so when the page was built again under the running host', async () => {
    await writeFile(join(folder, 'client/changing.txt'), 'changed, and longer');
    const { status, headers, body } = await fetchPath('/changing.txt');
    expect([status, headers['cache-control']]).toEqual([503, 'no-store']);
    expect(body.toString()).toContain('restart');
    await rm(join(folder, 'client/changing.txt'));
    expect((await fetchPath('/changing.txt', { headers: { 'Accept-Encoding': 'br' } })).status).toBe(503);
  });

  it('isolates its answer to bytes that are no request', async () => {
    const answer = await new Promise<string>((resolve, reject) => {
      const raw = connectTcp(server.port, '127.0.0.1', () => raw.write('nonsense\r\n\r\n'));
      raw.on('data', (data: Buffer) => resolve(data.toString()));
      raw.on('error', reject);
    });
    expect(answer).toContain('400 Bad Request');
    for (const [name, value] of Object.entries(securityHeaders))
      expect(answer).toContain(`${name}: ${value}`);
  });

  it('says unchanged to whoever has it', async () => {
    const first = await fetchPath('/');
    const again = await fetchPath('/', { headers: { 'If-None-Match': String(first.headers['etag']) } });
    expect(again.status).toBe(304);
    expect(again.body.byteLength).toBe(0);
    for (const tag of [`W/${first.headers['etag']}`, `"other", ${first.headers['etag']}`, '*']) {
      expect((await fetchPath('/', { headers: { 'If-None-Match': tag } })).status).toBe(304);
    }
    expect((await fetchPath('/', { headers: { 'If-None-Match': '"other"' } })).status).toBe(200);
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
