/**
 * Real tabs for scripts, benches and browser tests: a host on a free port and headless browsers that join its room through
 * the page's own buttons. Doesn't reach into the page.
 */
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import {
  type Browser,
  type BrowserContext,
  type BrowserServer,
  chromium,
  type Download,
  type Page,
} from 'playwright';
import { type AlertConfig, noAlertChannels } from '../../server/alerts/config.ts';
import type { OtlpConfig } from '../../server/otlp/relay.ts';
import { startServer } from '../../server/server.ts';
import type { TurnConfig } from '../../server/turn.ts';
import { browserFlags, ensureBrowser, softwareGpuFlags } from './browser.mjs';

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const clientFolder = `${root}dist/client`;

export type Host = {
  readonly url: string;
  readonly port: number;
  /** The link of a room nobody else knows. */
  readonly link: string;
  close(): Promise<void>;
};

export const startHost = async (
  options: {
    readonly port?: number;
    readonly clientFolder?: string;
    /** With a certificate authority of its own in this folder. */
    readonly tlsFolder?: string;
    readonly turn?: TurnConfig;
    /** Keeps a ledger here, whose host's recovery key lies in it. */
    readonly ledger?: { readonly folder: string; readonly epochSeconds: number };
    /** Folders of pages that it offers as public work. */
    readonly publicWork?: readonly string[];
    /** A collector that takes spans of its tabs. */
    readonly otlp?: OtlpConfig;
    /** Where alerts of its tabs go. */
    readonly alerts?: Partial<AlertConfig>;
  } = {},
): Promise<Host> => {
  const server = await startServer(
    {
      host: '127.0.0.1',
      port: options.port ?? 0,
      tls: options.tlsFolder !== undefined,
      dataFolder: options.ledger?.folder ?? options.tlsFolder ?? 'unused',
      ice: [],
      turn: options.turn,
      bus: undefined,
      origins: [],
      publicWork: options.publicWork ?? [],
      logLevel: 'error',
      maxConnections: 200,
      maxConnectionsPerAddress: 200,
      maxPeersPerRoom: 2_000,
      otlp: options.otlp,
      carry: { bytesPerSecond: 2 ** 20, totalBytesPerSecond: 50 * 2 ** 20 },
      ledger: options.ledger
        ? { kind: 'embedded', epochSeconds: options.ledger.epochSeconds }
        : { kind: 'off' },
      alerts: { ...noAlertChannels, ...options.alerts },
      newRoom: false,
    },
    { log: () => {}, clientFolder: options.clientFolder ?? clientFolder },
  );
  return {
    url: server.url,
    port: server.port,
    link: newLink(server.url),
    close: () => server.close(),
  };
};

/** Each call is another room. */
export const newLink = (url: string): string => `${url}/#room=${randomBytes(16).toString('base64url')}`;

export type BrowserProcess = {
  readonly browser: Browser;
  /** As a crash or a flat battery does it: nobody is told. */
  kill(): Promise<void>;
  close(): Promise<void>;
};

export const openBrowser = async (
  options: {
    readonly gpu?: boolean;
    readonly measureMemory?: boolean;
    readonly flags?: readonly string[];
  } = {},
): Promise<BrowserProcess> => {
  const server: BrowserServer = await chromium.launchServer({
    executablePath: await ensureBrowser(),
    args: [
      ...browserFlags,
      ...(options.gpu ? softwareGpuFlags : []),
      ...(options.flags ?? []),
      // Otherwise the browser answers when it next collects garbage: minutes.
      ...(options.measureMemory ? ['--enable-blink-features=ForceEagerMeasureMemory'] : []),
    ],
  });
  const browser = await chromium.connect(server.wsEndpoint());
  return {
    browser,
    kill: () => server.kill(),
    close: async () => {
      await browser.close();
      await server.close();
    },
  };
};

export type Consent = 'Use and share' | 'Use only' | 'Share only' | 'This device only';

export type TabOptions = {
  readonly consent?: Consent | 'none';
  /** What the device says it has; the page shares half of it by default. */
  readonly cores?: number;
  readonly runtime?: 'wasm' | 'webgpu';
  /** More of the address's query. */
  readonly query?: string;
  /** A page in this context is a tab of the same device; without it the tab is a device of its own. */
  readonly context?: BrowserContext;
  readonly viewport?: { readonly width: number; readonly height: number };
};

/** Opens a tab in the room of `link` and answers the first visit's question as a person would. */
export const openTab = async (browser: Browser, link: string, options: TabOptions = {}): Promise<Page> => {
  const context =
    options.context ??
    (await browser.newContext({ viewport: options.viewport ?? { width: 1280, height: 900 } }));
  if (options.cores !== undefined) {
    // As text: a transpiled function refers to helpers of the transpiler that the page doesn't have.
    await context.addInitScript(
      `Object.defineProperty(Navigator.prototype, 'hardwareConcurrency', { get: () => ${options.cores} })`,
    );
  }
  const page = await context.newPage();
  const url = new URL(link);
  const query = [options.runtime && `runtime=${options.runtime}`, options.query].filter(Boolean).join('&');
  url.search = query;
  await page.goto(url.href);
  if (options.consent !== 'none') await answerConsent(page, options.consent ?? 'Use and share');
  return page;
};

export const answerConsent = async (page: Page, consent: Consent): Promise<void> => {
  const answer = page.getByRole('button', { name: new RegExp(`^${consent}`) });
  const inside = page.getByRole('navigation', { name: 'Screens' });
  // A device that has answered before is not asked again.
  await answer.or(inside).first().waitFor();
  if (await answer.isVisible()) await answer.click();
  await inside.waitFor();
};

/** Waits until the page lists so many others. */
export const waitForOthers = (page: Page, others: number, timeout = 20_000): Promise<void> =>
  page
    .getByRole('status')
    .filter({ hasText: others === 0 ? 'nobody else yet' : new RegExp(`^${others} others?$`) })
    .first()
    .waitFor({ timeout });

export const submitFiles = async (
  page: Page,
  files: readonly string[] | Parameters<Page['setInputFiles']>[1],
): Promise<void> => {
  await page.getByLabel('Image files').setInputFiles(files as string[]);
  await page.getByRole('button', { name: /^Read \d+ pages?$|^Read (the|this) page$/ }).click();
};

/** Resolves when the job on the screen has ended; rejects with what the page says if it failed. */
export const waitForJobEnd = async (page: Page, timeout: number): Promise<void> => {
  const running = page.getByRole('button', { name: 'Cancel job' });
  await running.waitFor({ timeout: 10_000 }).catch(() => {}); // a small job may be over already
  await running.waitFor({ state: 'detached', timeout });
};

export type ExportedJob = {
  readonly state: string;
  readonly files: readonly {
    readonly file: string;
    readonly text: string;
    readonly error?: string;
    readonly lines: readonly {
      readonly text: string;
      readonly box: readonly number[];
      readonly confidence: number;
      readonly peer: string;
    }[];
  }[];
  readonly peers: readonly {
    readonly id: string;
    readonly name: string;
    readonly runtime?: string;
    readonly tasks: number;
    readonly lines: number;
    readonly credits: number;
    readonly lost: number;
    readonly wrong: number;
  }[];
};

export const exportJob = async (page: Page): Promise<ExportedJob> =>
  JSON.parse(
    await download(page, () => page.getByRole('button', { name: 'Download JSON' }).click()),
  ) as ExportedJob;

export const exportReceipts = async (page: Page): Promise<unknown> => {
  await page
    .getByRole('navigation', { name: 'Screens' })
    .getByRole('button', { name: /Receipts/ })
    .click();
  const button = page.getByRole('button', { name: /Export/ });
  await button.waitFor();
  if (await button.isDisabled()) return [];
  return JSON.parse(await download(page, () => button.click()));
};

const download = async (page: Page, act: () => Promise<void>): Promise<string> => {
  const [started] = await Promise.all([page.waitForEvent('download'), act()]);
  return downloadedText(started);
};

export const downloadedText = async (download: Download): Promise<string> => {
  const stream = await download.createReadStream();
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
};
