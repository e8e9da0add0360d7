/** Two tabs, each a process of its own, that run `page.ts` and are connected. Knows how, not what is measured. */
import type { Page } from 'playwright';
import { build } from 'vite';
import { openBrowser, root, startHost } from '../../scripts/lib/village.ts';
import type { PathName, Tab } from './page.ts';

export type RemoteTab = {
  readonly page: Page;
  /** Calls a function of the tab's page. */
  call<Name extends keyof Tab>(
    name: Name,
    ...args: Parameters<Tab[Name]>
  ): Promise<Awaited<ReturnType<Tab[Name]>>>;
};

export const openTabs = async () => {
  const files = await bundle();
  const host = await startHost();
  const { browser, close } = await openBrowser();
  const openPage = async (): Promise<Page> => {
    // Two contexts of one browser are two renderer processes; the network's process they share.
    const page = await (await browser.newContext()).newPage();
    page.on('console', (message) => message.type() === 'error' && console.error(`page: ${message.text()}`));
    page.on('pageerror', (error) => console.error(`page: ${error.message}`));
    await page.route('**/bench/**', (route) => {
      const name = new URL(route.request().url()).pathname.slice('/bench/'.length);
      const body = name === '' ? html : files.get(name);
      if (body === undefined) return route.fulfill({ status: 404 });
      return route.fulfill({
        body,
        contentType: name === '' ? 'text/html' : 'text/javascript',
        headers: isolation,
      });
    });
    await page.goto(`${host.url}/bench/`);
    await page.waitForFunction('globalThis.openTab !== undefined');
    return page;
  };
  const [here, there] = [await openPage(), await openPage()];
  await connect(here, there);
  return {
    tabs: [remote(here), remote(there)] as const,
    close: async () => {
      await close();
      await host.close();
    },
  };
};

const html = '<!doctype html><title>bench</title><script type="module" src="/bench/page.js"></script>';
/** Clocks of an isolated page are exact to 5 µs. */
const isolation = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

/** The product's own modules as the product's build makes them. */
const bundle = async (): Promise<ReadonlyMap<string, string | Buffer>> => {
  const built = await build({
    configFile: false,
    root,
    base: '/bench/',
    logLevel: 'error',
    worker: { format: 'es' },
    build: {
      write: false,
      target: 'es2023',
      copyPublicDir: false,
      modulePreload: false,
      rollupOptions: {
        input: `${root}bench/link/page.ts`,
        output: { entryFileNames: 'page.js' },
      },
    },
  });
  if (!('output' in built)) throw new Error('the bundler answered with something else than a bundle');
  return new Map(
    built.output.map((file) => [file.fileName, file.type === 'chunk' ? file.code : Buffer.from(file.source)]),
  );
};

const connect = async (here: Page, there: Page): Promise<void> => {
  const carry = (from: Page, to: Page) =>
    from.exposeFunction('sendSignal', (path: PathName, text: string) =>
      to.evaluate(`acceptSignal(${JSON.stringify(path)}, ${JSON.stringify(text)})`),
    );
  await carry(here, there);
  await carry(there, here);
  // What runs in a page is text: a transpiled function refers to helpers of the transpiler that the page doesn't have.
  const answering = there.evaluate('openTab(false)');
  await here.evaluate('openTab(true)');
  await answering;
};

const remote = (page: Page): RemoteTab => ({
  page,
  call: (name, ...args) => page.evaluate(`tab[${JSON.stringify(name)}](...${JSON.stringify(args)})`),
});
