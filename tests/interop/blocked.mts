import { openBrowser, openTab, startHost } from '../../scripts/lib/village.ts';
import { talk, waitForWay } from './tools.mts';

/**
 * Two browsers whose network lets no UDP through, as in some schools and offices: WebRTC is there, and no direct
 * connection comes about. They are linked through the server.
 */
export const blocked = async (): Promise<string> => {
  const host = await startHost();
  const browser = await openBrowser({
    flags: ['--webrtc-ip-handling-policy=disable_non_proxied_udp'],
  });
  try {
    const [ana, ben] = [await openTab(browser.browser, host.link), await openTab(browser.browser, host.link)];
    const started = performance.now();
    const [inAna, inBen] = [ana, ben].map((page) => (expression: string) => page.evaluate(expression));
    if (!inAna || !inBen) throw new Error('two tabs were opened');
    await waitForWay('the first tab', inAna, 'carried');
    const seconds = (performance.now() - started) / 1000;
    await waitForWay('the second tab', inBen, 'carried');
    await talk(inAna, inBen);
    return `no UDP: linked through the server after ${seconds.toFixed(1)} s, a message each way`;
  } finally {
    await browser.close();
    await host.close();
  }
};
