/** Two tabs, each a process of its own, that run a page and are connected. Knows how, not what is measured. */
import type { Page } from 'playwright';
import { openBrowser, startHost } from '../../scripts/lib/village.ts';
import { bundlePage, openBundle } from '../bundle.ts';
import type { PathName, Tab } from './page.ts';

type Calls = { readonly [name: string]: (...args: never[]) => unknown };

export type RemoteTab<Functions extends Calls = Tab> = {
  readonly page: Page;
  /** Calls a function of the tab's page. */
  call<Name extends keyof Functions>(
    name: Name,
    ...args: Parameters<Functions[Name]>
  ): Promise<Awaited<ReturnType<Functions[Name]>>>;
};

/** The page at `entry` opens its end by `openTab`, and hears what the other says until then by `acceptSignal`. */
export const openTabs = async <Functions extends Calls = Tab>(entry = 'bench/link/page.ts') => {
  const bundle = await bundlePage(entry);
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
    tabs: [remote<Functions>(here), remote<Functions>(there)] as const,
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

const remote = <Functions extends Calls>(page: Page): RemoteTab<Functions> => ({
  page,
  call: (name, ...args) => page.evaluate(`tab[${JSON.stringify(name)}](...${JSON.stringify(args)})`),
});
