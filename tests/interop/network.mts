/**
 * A device leaves one network for another, as a phone that goes from Wi-Fi to mobile: its address changes, and what was open
 * is dead without a word. Past an open network the browsers' own checks find the new path, and the link comes along. Past a
 * firewall (or a NAT) that lets in only whom its own side has written to, it can't: the link is lost, and both sides must
 * write to each other anew, which they agree on through the server, to which the connection is dead as well.
 */
import { randomBytes } from 'node:crypto';
import { chromium, type Page } from 'playwright';
import { browserFlags } from '../../scripts/lib/browser.mjs';
import { answerConsent } from '../../scripts/lib/village.ts';
import { canMakeNamespaces } from './namespaces.mts';
import { findProgram, pollUntil, startPublicHost, talk, waitForWay } from './tools.mts';
import { makeTwoNetworks } from './twoNetworks.mts';

const within = 60_000;

export const network = async (): Promise<string> => {
  if (!canMakeNamespaces()) return 'skipped: needs Linux, root and ip netns';
  if (!findProgram('nft')) return 'skipped: no nftables (nft) here, for the firewall';
  const open = await changeNetwork({ firewall: false });
  const guarded = await changeNetwork({ firewall: true });
  if (guarded.links < 2) throw new Error('the firewall should have ended the link');
  return `a device on another network: a message arrived after ${open.seconds} s (${open.links === 1 ? 'over the same link' : 'over a new link'}), past a firewall after ${guarded.seconds} s over a new, direct link`;
};

/** How long until a message arrives again, and over how many links the device has been linked directly. */
const changeNetwork = async ({ firewall }: { readonly firewall: boolean }) => {
  const networks = await makeTwoNetworks({ firewall });
  const closers: (() => Promise<unknown> | unknown)[] = [networks.close];
  try {
    const host = await startPublicHost();
    closers.push(host.stop);
    const origin = `http://${networks.hostAddress}:${host.port}`;
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
      await page.addInitScript(countLinks);
      await page.goto(link);
      await answerConsent(page, 'Use only');
      return page;
    };
    const [friend, device] = [await open(networks.friendBrowser), await open(networks.deviceBrowser)];
    const inFriend = (expression: string) => friend.evaluate(expression);
    const inDevice = (expression: string) => device.evaluate(expression);
    await waitForWay('the device', inDevice, 'direct');
    await talk(inDevice, inFriend);
    await inDevice('globalThis.linksOpened = 1');
    const started = performance.now();
    networks.changeNetwork();
    await talk(inDevice, inFriend);
    const seconds = ((performance.now() - started) / 1_000).toFixed(1);
    if (firewall)
      await pollUntil(
        'the device is linked anew',
        async () => Number(await inDevice('linksOpened')) > 1,
        within,
      );
    await waitForWay('the device, on its new network,', inDevice, 'direct', within);
    return { seconds, links: Number(await inDevice('linksOpened')) };
  } finally {
    for (const close of closers.reverse()) await close();
  }
};

/** Direct ones. */
const countLinks = `(() => {
  const Native = globalThis.RTCPeerConnection;
  globalThis.linksOpened = 0;
  globalThis.RTCPeerConnection = class extends Native {
    constructor(...given) {
      super(...given);
      this.addEventListener('connectionstatechange', () => {
        if (this.connectionState === 'connected' && !this.countedAlready) linksOpened++;
        if (this.connectionState === 'connected') this.countedAlready = true;
      });
    }
  };
})()`;
