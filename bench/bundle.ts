/** Modules of the product in a page of a bench's own: bundled as the product's build does it, never a copy. */

import react from '@vitejs/plugin-react';
import type { Page } from 'playwright';
import { build } from 'vite';
import { root } from '../scripts/lib/village.ts';

const html = (styles: readonly string[]) =>
  `<!doctype html><html lang="en"><title>bench</title>${styles.map((name) => `<link rel="stylesheet" href="/bench/${name}">`).join('')}<div id="root"></div><script type="module" src="/bench/page.js"></script></html>`;
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

/** `entry`: a path below the repository's root. */
export const bundlePage = async (entry: string): Promise<Bundle> => {
  const built = await build({
    configFile: false,
    root,
    base: '/bench/',
    logLevel: 'error',
    plugins: [react()],
    worker: { format: 'es' },
    build: {
      write: false,
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
  page.on('console', (message) => message.type() === 'error' && console.error(`page: ${message.text()}`));
  page.on('pageerror', (error) => console.error(`page: ${error.message}`));
  const styles = [...bundle.keys()].filter((name) => name.endsWith('.css'));
  await page.route('**/bench/**', (route) => {
    const name = new URL(route.request().url()).pathname.slice('/bench/'.length);
    const body = name === '' ? html(styles) : bundle.get(name);
    if (body === undefined) return route.fulfill({ status: 404 });
    const contentType = name === '' ? 'text/html' : types[name.split('.').at(-1) ?? ''];
    return route.fulfill({ body, headers: isolation, ...(contentType ? { contentType } : {}) });
  });
  await page.goto(`${url}/bench/`);
};
