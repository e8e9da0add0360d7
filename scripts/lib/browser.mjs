// Finds a Chromium to drive: the one asked for, an installed one, Playwright's own, the distribution's package.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const names = ['google-chrome', 'google-chrome-stable', 'chromium', 'chromium-browser', 'chrome'];
const macPaths = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

const onPath = (name) =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));

const playwrights = async () => {
  try {
    const { chromium } = await import('playwright');
    return existsSync(chromium.executablePath()) ? chromium.executablePath() : undefined;
  } catch {
    return undefined;
  }
};

export const findBrowser = async () => {
  const asked = process.env.CHROMIUM_PATH;
  if (asked) {
    if (existsSync(asked)) return asked;
    throw new Error(`CHROMIUM_PATH names ${asked}, and there is nothing`);
  }
  return (
    names.map(onPath).find(Boolean) ?? macPaths.find((path) => existsSync(path)) ?? (await playwrights())
  );
};

const tryRun = (command, args) =>
  spawnSync(command, args, { stdio: 'ignore', timeout: 300_000 }).status === 0;

/** Installs one if none is there. Throws with what to do if that is impossible. */
export const ensureBrowser = async () => {
  const found = await findBrowser();
  if (found) return found;
  console.log('No Chrome or Chromium is installed: getting one (once)…');
  if (
    !tryRun('npx', ['playwright', 'install', 'chromium']) &&
    process.getuid?.() === 0 &&
    onPath('apt-get')
  ) {
    tryRun('apt-get', ['update']);
    tryRun('apt-get', ['install', '-y', '--no-install-recommends', 'chromium']);
  }
  const installed = await findBrowser();
  if (installed) return installed;
  throw new Error('The browser tests need Chrome or Chromium. Install one, or set CHROMIUM_PATH to it.');
};

/** Quiet, offline-friendly, and as root without the sandbox that root can't have. */
export const browserFlags = [
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // A background tab of a test must work like one in front.
  '--disable-renderer-backgrounding',
  '--disable-background-timer-throttling',
];

/** WebGPU without a graphics card: right, and slow. */
export const softwareGpuFlags = [
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-features=Vulkan',
];
