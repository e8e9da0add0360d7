/**
 * Ten megabytes between two real tabs whose only path takes no packet of more than 900 bytes.
 *
 * Cut: the system cuts larger datagrams into fragments. They pass as they are, for a browser forbids nobody to cut them.
 * Swallowed: something in the middle drops them without a word. Chromium 156 can't even connect there: the first flight of
 * its DTLS 1.3 handshake carries a post-quantum key share, in datagrams of 1,228 bytes, and is repeated for ever. Below that
 * the link goes through the server. With a classic handshake, as Chromium had it before, two tabs connect and lose every long message: they
 * need small frames.
 */
import { randomBytes } from 'node:crypto';
import { chromium, type Page } from 'playwright';
import { browserFlags } from '../../scripts/lib/browser.mjs';
import { answerConsent } from '../../scripts/lib/village.ts';
import { canMakeNamespaces, makeNamespaces, smallMtu as mtu, type Narrow } from './namespaces.mts';
import { startPublicHost } from './tools.mts';

const payloadBytes = 60 * 1024;
const totalBytes = 10_000_000;
const arriveWithin = 120_000;

export const smallMtu = async (): Promise<string> => {
  if (!canMakeNamespaces()) return 'skipped: needs Linux, root and ip netns';
  const cut = await tenMegabytesOver('cuts', { classicHandshake: false });
  const swallowed = await tenMegabytesOver('swallows', { classicHandshake: true });
  const carried = await tenMegabytesOver('swallows', { classicHandshake: false });
  const rate = (seconds: number) => `${seconds.toFixed(1)} s`;
  return `10 MB arrived equal through ${mtu} bytes: cut in ${rate(cut)}, swallowed in ${rate(swallowed)}, through the server where not even a connection comes about in ${rate(carried)}`;
};

const tenMegabytesOver = async (narrow: Narrow, { classicHandshake }: { classicHandshake: boolean }) => {
  const namespaces = await makeNamespaces(narrow);
  const closers: (() => Promise<unknown> | unknown)[] = [namespaces.close];
  try {
    const server = await startPublicHost();
    closers.push(server.stop);
    const room = randomBytes(16).toString('base64url');
    const pages: Page[] = [];
    for (const [index, executablePath] of namespaces.browserIn.entries()) {
      const origin = `http://${namespaces.hosts[index]}:${server.port}`;
      const browser = await chromium.launch({
        executablePath,
        args: [
          ...browserFlags,
          // The page needs a secure context, and its address is neither https nor this machine's own.
          `--unsafely-treat-insecure-origin-as-secure=${origin}`,
          // Names of addresses are told by multicast, which there is none of between the two.
          `--disable-features=WebRtcHideLocalIpsWithMdns${classicHandshake ? ',WebRtcPqcForDtls,WebRtcPostQuantumKeyAgreement' : ''}`,
        ],
      });
      closers.push(() => browser.close());
      const page = await browser.newPage();
      await page.goto(`${origin}/#room=${room}`);
      await answerConsent(page, 'Use only');
      await until(page, 'globalThis.aivillage !== undefined');
      pages.push(page);
    }
    const [here, there] = pages;
    if (!here || !there) throw new Error('two pages were opened');
    return await sendAll(here, there);
  } finally {
    for (const close of closers.reverse()) await close();
  }
};

const sendAll = async (here: Page, there: Page) => {
  const to = await there.evaluate<string>('aivillage.p2p.self');
  await until(here, `aivillage.p2p.getNetworkStatistics().links.some(({ peer }) => peer === '${to}')`);
  await there.evaluate(`(() => {
    globalThis.arrived = new Map();
    aivillage.p2p.messages(({ payload }) => arrived.set(new DataView(payload.buffer, payload.byteOffset).getUint32(0), payload));
  })()`);
  const started = performance.now();
  const count = Math.ceil(totalBytes / payloadBytes);
  // What runs in a page is text: a transpiled function refers to helpers of the transpiler that the page doesn't have.
  const sent = await within(
    arriveWithin,
    here.evaluate<{ digest: string; failed: string[] }>(`(async () => {
      const digestOf = async (parts) => {
        const all = new Uint8Array(await new Blob(parts).arrayBuffer());
        return [...new Uint8Array(await crypto.subtle.digest('SHA-256', all))].join();
      };
      const failed = [];
      const parts = Array.from({ length: ${count} }, (_, index) => {
        const part = crypto.getRandomValues(new Uint8Array(${payloadBytes}));
        new DataView(part.buffer).setUint32(0, index);
        return part;
      });
      let next = 0;
      const worker = async () => {
        while (next < parts.length) {
          const part = parts[next++];
          // Its five attempts may be spent before the path is found out: then the person behind it tries again.
          let result;
          for (let tries = 0; tries < 3 && !result?.ok; tries++)
            result = await aivillage.p2p.sendMessage(${JSON.stringify(to)}, part, { deadline: 60_000 });
          if (!result.ok) failed.push(result.error.message);
        }
      };
      await Promise.all([worker(), worker(), worker(), worker()]);
      return { digest: await digestOf(parts), failed };
    })()`),
    async () => `${await there.evaluate<number>('arrived.size')} of ${count} parts have arrived`,
  );
  const seconds = (performance.now() - started) / 1_000;
  if (sent.failed.length > 0) throw new Error(`${sent.failed.length} parts failed: ${sent.failed[0]}`);
  const received = await there.evaluate<string>(`(async () => {
    const parts = [...arrived.keys()].sort((a, b) => a - b).map((index) => arrived.get(index));
    const all = new Uint8Array(await new Blob(parts).arrayBuffer());
    return [...new Uint8Array(await crypto.subtle.digest('SHA-256', all))].join();
  })()`);
  if (received !== sent.digest) throw new Error('what arrived is not what was sent');
  return seconds;
};

/** Asked from here: the page's policy forbids to evaluate text in it later. */
const until = async (page: Page, condition: string, timeout = 30_000): Promise<void> => {
  const end = performance.now() + timeout;
  while (!(await page.evaluate<boolean>(condition))) {
    if (performance.now() > end) throw new Error(`not within ${timeout / 1_000} s: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};

const within = async <T,>(timeout: number, work: Promise<T>, why: () => Promise<string>): Promise<T> => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), timeout);
  });
  const result = await Promise.race([work.then((value) => ({ value })), late]);
  clearTimeout(timer);
  if (!result) {
    work.catch(() => {});
    throw new Error(`not within ${timeout / 1_000} s: ${await why()}`);
  }
  return result.value;
};
