import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import type { ForeignBrowser, ForeignPage } from './foreignBrowser.mts';
import { seeHealth } from './health.mts';
import { meetInOneRoom } from './room.mts';
import { findProgram, freePort, pollUntil } from './tools.mts';

/**
 * WebKitGTK's small browser over WebDriver, on a screen that nobody sees. It is the engine of Safari without what Apple adds: no
 * WebRTC, so that links are carried by the server, and no memory that workers share, so that they compute with one thread. Its
 * automated windows are private ones.
 */
export const webkit = async (): Promise<string> => {
  const programs = ['WebKitWebDriver', 'Xvfb'].map(findProgram);
  const browserPath = findMiniBrowser();
  const [driver, screen] = programs;
  if (!driver || !screen || !browserPath) return 'skipped: no WebKitGTK here (webkit2gtk-driver, xvfb)';
  const browser = await openWebKit({ driver, screen, browserPath });
  try {
    return [await meetInOneRoom(browser, 'carried'), await seeHealth(browser)].join('; ');
  } finally {
    await browser.close();
  }
};

const findMiniBrowser = (): string | undefined => {
  const folders = ['/usr/lib', '/usr/libexec'].filter((folder) => existsSync(folder));
  const paths = folders.flatMap((folder) => [
    folder,
    ...readdirSync(folder)
      .filter((name) => name.includes('linux-gnu'))
      .map((name) => `${folder}/${name}`),
  ]);
  return paths
    .flatMap((folder) => ['webkit2gtk-4.1', 'webkit2gtk-4.0'].map((name) => `${folder}/${name}/MiniBrowser`))
    .find((path) => existsSync(path));
};

const openWebKit = async (paths: {
  readonly driver: string;
  readonly screen: string;
  readonly browserPath: string;
}): Promise<ForeignBrowser> => {
  const display = `:${90 + (process.pid % 9)}`;
  const port = await freePort();
  // Its sandbox needs rights that containers do not give.
  const env = {
    ...process.env,
    DISPLAY: display,
    LANG: 'en_US.UTF-8',
    LC_ALL: 'en_US.UTF-8',
    WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1',
  };
  const children = [
    spawn(paths.screen, [display, '-screen', '0', '1440x1000x24'], { stdio: 'ignore' }),
    spawn(paths.driver, ['-p', String(port)], { env, stdio: 'ignore' }),
  ];
  const call = createDriver(`http://127.0.0.1:${port}`);
  await pollUntil('the driver of WebKit answers', () => call('GET', '/status').then(() => true));
  const binary = { binary: paths.browserPath, args: ['--automation'] };
  return {
    name: 'WebKit',
    async open(url) {
      const session = (await call('POST', '/session', {
        capabilities: { alwaysMatch: { 'webkitgtk:browserOptions': binary } },
      })) as { readonly sessionId: string };
      return openPage(call, `/session/${session.sessionId}`, url);
    },
    async close() {
      for (const child of children.reverse()) child.kill();
    },
  };
};

type Call = (method: 'GET' | 'POST' | 'DELETE', path: string, body?: object) => Promise<unknown>;

/** W3C WebDriver: JSON both ways. */
const createDriver =
  (base: string): Call =>
  async (method, path, body) => {
    const response = await fetch(`${base}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const { value } = (await response.json()) as { readonly value: unknown };
    if (!response.ok) throw new Error(`WebKit refuses ${path}: ${JSON.stringify(value)}`);
    return value;
  };

const openPage = async (call: Call, session: string, url: string): Promise<ForeignPage> => {
  const evaluate = async (expression: string): Promise<unknown> => {
    // No eval: the page's own rules forbid it.
    const script = `const done = arguments[arguments.length - 1];
      (async () => (${expression}))().then((value) => done({ value }), (cause) => done({ error: String(cause) }));`;
    const answer = (await call('POST', `${session}/execute/async`, { script, args: [] })) as {
      readonly value?: unknown;
      readonly error?: string;
    };
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.value;
  };
  const listen = () =>
    evaluate(`(() => {
      globalThis.thrown = [];
      addEventListener('error', ({ message }) => thrown.push(message));
      addEventListener('unhandledrejection', ({ reason }) => thrown.push(String(reason)));
    })()`);
  await call('POST', `${session}/timeouts`, { script: 60_000, pageLoad: 60_000 });
  await call('POST', `${session}/url`, { url });
  await listen();
  return {
    evaluate,
    async upload(path) {
      const found = (await call('POST', `${session}/element`, {
        using: 'css selector',
        value: 'input[type=file]',
      })) as Readonly<Record<string, string>>;
      const [id = ''] = Object.values(found);
      await call('POST', `${session}/element/${id}/value`, { text: path });
    },
    async reload() {
      await call('POST', `${session}/refresh`, {});
      await listen();
    },
    errors: async () => (await evaluate('thrown')) as readonly string[],
    async close() {
      await call('DELETE', session);
    },
  };
};
