/** A browser's page with trainers in workers, driven from here. Knows how to call them, not what for. */
import type { Page } from 'playwright';
import { openBrowser } from '../../scripts/lib/village.ts';
import { bundlePage, report, serveBundle } from '../bundle.ts';
import type { FedTrainer, Framework } from './trainer.ts';

export type RemoteTrainer = {
  [Method in keyof FedTrainer]: FedTrainer[Method];
} & { close(): Promise<void> };

export const openWorkers = async () => {
  // TensorFlow.js gives its threads the source text of a function, and that has to be whole.
  const bundle = await bundlePage('bench/train/page.ts', { minify: false });
  const server = await serveBundle(bundle);
  const { browser, close } = await openBrowser();
  const page = await browser.newPage();
  report(page);
  await page.goto(server.url);
  await page.waitForFunction('globalThis.trainPage !== undefined');
  return {
    cores: await page.evaluate<number>('navigator.hardwareConcurrency'),
    open: (framework: Framework) => openTrainer(page, framework),
    close: async () => {
      await close();
      server.close();
    },
  };
};

let opened = 0;

const openTrainer = async (page: Page, framework: Framework): Promise<RemoteTrainer> => {
  const name = `${framework} ${opened++}`;
  // As text: a transpiled function refers to helpers of the transpiler that the page doesn't have.
  const evaluate = <T>(method: string, ...args: unknown[]): Promise<T> =>
    page.evaluate<T>(`trainPage.${method}(...${JSON.stringify([name, ...args])})`);
  await evaluate('open', framework);
  const call =
    <Method extends keyof FedTrainer>(method: Method) =>
    (...args: Parameters<FedTrainer[Method]>): ReturnType<FedTrainer[Method]> =>
      evaluate('call', method, ...args) as ReturnType<FedTrainer[Method]>;
  return {
    prepare: call('prepare'),
    steps: call('steps'),
    bareSteps: call('bareSteps'),
    fedSteps: call('fedSteps'),
    close: () => evaluate('close'),
  };
};
