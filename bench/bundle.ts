/** Modules of the product in a page of a bench's own: bundled as the product's build does it, never a copy. */

import { createServer } from 'node:http';
import react from '@vitejs/plugin-react';
import type { Page } from 'playwright';
import { build } from 'vite';
import { root } from '../scripts/lib/village.ts';

const html = (styles: readonly string[]) =>
  `<!doctype html><html lang="en"><title>bench</title><link rel="icon" href="data:,">${styles.map((name) => `<link rel="stylesheet" href="/bench/${name}">`).join('')}<div id="root"></div><script type="module" src="/bench/page.js"></script></html>`;
/** Clocks of an isolated page are exact to 5 µs. */
const isolation = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};
const types: Readonly<Record<string, string>> = {
  js: 'text/javascript',
  mjs: 'text/javascript',
  wasm: 'application/wasm',
  css: 'text/css',
  woff2: 'font/woff2',
};

export type Bundle = ReadonlyMap<string, string | Buffer>;

/** `entry`: a path below the repository's root. Not to be minified is what runs its own source text in other workers. */
export const bundlePage = async (
  entry: string,
  { minify = true }: { readonly minify?: boolean } = {},
): Promise<Bundle> => {
  const built = await build({
    configFile: false,
    root,
    base: '/bench/',
    logLevel: 'error',
    plugins: [react()],
    worker: { format: 'es' },
    build: {
      write: false,
      minify,
      target: 'es2023',
      copyPublicDir: false,
      modulePreload: false,
      rollupOptions: { input: `${root}${entry}`, output: { entryFileNames: 'page.js' } },
    },
  });
  if (!('output' in built)) throw new Error('the bundler answered with something else than a bundle');
  return new Map(
    built.output.map((file) => [file.fileName, file.type === 'chunk' ? file.code : Buffer.from(file.source)]),
  );
};

/** Opens it below the address of a running host, so that the page is of a secure origin. */
export const openBundle = async (page: Page, bundle: Bundle, url: string): Promise<void> => {
  report(page);
  await page.route('**/bench/**', (route) => {
    const found = fileOf(bundle, new URL(route.request().url()).pathname);
    return route.fulfill(found ?? { status: 404 });
  });
  await page.goto(`${url}/bench/`);
};

/** For a page whose workers have workers of their own: what these load, no route of the page sees. */
export const serveBundle = async (bundle: Bundle): Promise<{ readonly url: string; close(): void }> => {
  const server = createServer(({ url = '/' }, response) => {
    const found = fileOf(bundle, new URL(url, 'http://localhost').pathname);
    response.writeHead(found ? 200 : 404, found?.headers).end(found?.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return { url: `http://127.0.0.1:${address.port}/bench/`, close: () => server.close() };
};

/** What a page says of errors, on the console here. */
export const report = (page: Page): void => {
  page.on('console', (message) => message.type() === 'error' && console.error(`page: ${message.text()}`));
  page.on('pageerror', (error) => console.error(`page: ${error.message}`));
};

const fileOf = (bundle: Bundle, path: string) => {
  const name = path.slice('/bench/'.length);
  const styles = [...bundle.keys()].filter((file) => file.endsWith('.css'));
  const body = name === '' ? html(styles) : bundle.get(name);
  if (body === undefined) return undefined;
  const type = name === '' ? 'text/html' : types[name.split('.').at(-1) ?? ''];
  return { body, headers: { ...isolation, ...(type ? { 'content-type': type } : {}) } };
};
