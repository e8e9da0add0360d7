/** Two tabs, each a process of its own, that run `page.ts` and are connected. Knows how, not what is measured. */
import type { Page } from 'playwright';
import { openBrowser, startHost } from '../../scripts/lib/village.ts';
import { bundlePage, openBundle } from '../bundle.ts';
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
  const bundle = await bundlePage('bench/link/page.ts');
  const host = await startHost();
  const { browser, close } = await openBrowser();
  const openPage = async (): Promise<Page> => {
    // Two contexts of one browser are two renderer processes; the network's process they share.
    const page = await (await browser.newContext()).newPage();
    await openBundle(page, bundle, host.url);
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
