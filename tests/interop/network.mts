/**
 * A device leaves one network for another, as a phone that goes from Wi-Fi to mobile: its address changes, what was open is
 * dead without a word, and both the host and another tab are to be reached from the new one.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Page } from 'playwright';
import { browserFlags, ensureBrowser } from '../../scripts/lib/browser.mjs';
import { answerConsent } from '../../scripts/lib/village.ts';
import { canMakeNamespaces } from './namespaces.mts';
import { pollUntil, startPublicHost, talk, waitForWay } from './tools.mts';

const within = 30_000;

export const network = async (): Promise<string> => {
  if (!canMakeNamespaces()) return 'skipped: needs Linux, root and ip netns';
  const device = await makeDevice();
  const closers: (() => Promise<unknown> | unknown)[] = [device.close];
  try {
    const host = await startPublicHost();
    closers.push(host.stop);
    const origin = `http://${device.hostAddress}:${host.port}`;
    const link = `${origin}/#room=${randomBytes(16).toString('base64url')}`;
    const open = async (executablePath: string): Promise<Page> => {
      const browser = await chromium.launch({
        executablePath,
        args: [
          ...browserFlags,
          // The page needs a secure context, and its address is neither https nor this machine's own.
          `--unsafely-treat-insecure-origin-as-secure=${origin}`,
          // Names of addresses are told by multicast, which there is none of between the two.
          '--disable-features=WebRtcHideLocalIpsWithMdns',
        ],
      });
      closers.push(() => browser.close());
      const page = await browser.newPage();
      await page.goto(link);
      await answerConsent(page, 'Use only');
      return page;
    };
    const [there, here] = [await open(await ensureBrowser()), await open(device.browser)];
    const [inThere, inHere] = [there, here].map((page) => (expression: string) => page.evaluate(expression));
    if (!inThere || !inHere) throw new Error('two pages were opened');
    await waitForWay('the device', inHere, 'direct');
    await talk(inHere, inThere);
    // So that the old link is not taken for the new one.
    await inHere(
      'globalThis.lost = new Promise((resolve) => { const timer = setInterval(() => { if (aivillage.p2p.getNetworkStatistics().links.length === 0) { clearInterval(timer); resolve(true); } }, 50); })',
    );
    const started = performance.now();
    device.changeNetwork();
    await pollUntil(
      'the loss is noticed',
      async () => Boolean(await inHere('Promise.race([lost, false])')),
      within,
    );
    const noticed = (performance.now() - started) / 1_000;
    await waitForWay('the device, on its new network,', inHere, 'direct', within);
    const linked = (performance.now() - started) / 1_000;
    await talk(inHere, inThere);
    return `another network: the loss was noticed after ${noticed.toFixed(1)} s, linked directly again after ${linked.toFixed(1)} s`;
  } finally {
    for (const close of closers.reverse()) await close();
  }
};

/** A namespace with two ways to this machine, of which one is up at a time. */
const makeDevice = async () => {
  const id = `aiv${process.pid % 100_000}`;
  const browser = await ensureBrowser();
  const folder = mkdtempSync(join(tmpdir(), 'aivillage-network-'));
  const number = process.pid % 250;
  const hostAddress = `10.207.${number}.1`;
  const ip = (...args: string[]) => execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const inside = (...args: string[]) => ip('-n', id, ...args);
  const ways = ['wifi', 'mobile'] as const;
  const gatewayOf = (way: (typeof ways)[number]) => `10.${way === 'wifi' ? 205 : 206}.${number}`;
  const use = (way: (typeof ways)[number]) => {
    inside('link', 'set', way, 'up');
    inside('route', 'add', 'default', 'via', `${gatewayOf(way)}.1`);
  };
  const close = () => {
    for (const way of ways) spawnSync('ip', ['link', 'del', `${id}${way[0]}`], { stdio: 'ignore' });
    spawnSync('ip', ['addr', 'del', `${hostAddress}/32`, 'dev', 'lo'], { stdio: 'ignore' });
    spawnSync('ip', ['netns', 'del', id], { stdio: 'ignore' });
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    ip('netns', 'add', id);
    inside('link', 'set', 'lo', 'up');
    ip('addr', 'add', `${hostAddress}/32`, 'dev', 'lo');
    for (const way of ways) {
      const outer = `${id}${way[0]}`;
      ip('link', 'add', outer, 'type', 'veth', 'peer', 'name', way, 'netns', id);
      ip('addr', 'add', `${gatewayOf(way)}.1/24`, 'dev', outer);
      ip('link', 'set', outer, 'up');
      inside('addr', 'add', `${gatewayOf(way)}.2/24`, 'dev', way);
    }
    use('wifi');
  } catch (cause) {
    close();
    throw cause;
  }
  const file = join(folder, 'browser');
  writeFileSync(file, `#!/bin/sh\nexec ip netns exec ${id} '${browser}' "$@"\n`);
  chmodSync(file, 0o755);
  return {
    hostAddress,
    browser: file,
    changeNetwork() {
      inside('link', 'set', 'wifi', 'down');
      use('mobile');
    },
    close,
  };
};
