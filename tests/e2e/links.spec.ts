import type { Page } from 'playwright';
import { waitForOthers } from '../../scripts/lib/village.ts';
import { expect, goTo, test } from './fixtures.ts';

// What runs in a page is text: a transpiled function refers to helpers that the page doesn't have.
const listen = `(() => {
  globalThis.heard = [];
  aivillage.p2p.messages(({ payload }) => heard.push(new TextDecoder().decode(payload)));
})()`;
const selfOf = (page: Page) => page.evaluate<string>('aivillage.p2p.self');
const waysOf = (page: Page) =>
  page.evaluate<string[]>('aivillage.p2p.getNetworkStatistics().links.map(({ way }) => way)');
const say = (page: Page, to: string, text: string) =>
  page.evaluate(`aivillage.p2p.sendMessage('${to}', new TextEncoder().encode('${text}'))`);

/** As in a browser, or behind a policy, that has switched WebRTC off. */
const withoutWebRtc = 'delete globalThis.RTCPeerConnection; delete globalThis.webkitRTCPeerConnection;';

test('tabs without WebRTC meet through the server, sealed, and talk', async ({ village }) => {
  const contexts = [await village.newContext(), await village.newContext()];
  for (const context of contexts) await context.addInitScript(withoutWebRtc);
  const [ana, ben] = [
    await village.open({ context: contexts[0]! }),
    await village.open({ context: contexts[1]! }),
  ];
  for (const page of [ana, ben]) await waitForOthers(page, 1);
  expect(await waysOf(ana)).toEqual(['carried']);
  await ben.evaluate(listen);
  expect(await say(ana, await selfOf(ben), 'good evening')).toEqual({ ok: true });
  expect(await ben.evaluate('heard')).toEqual(['good evening']);
  await goTo(ana, 'Swarm');
  await ana.getByRole('row').nth(1).getByRole('button').first().click();
  await expect(ana.getByRole('dialog')).toContainText('through the server');
});

test('a tab that wants its address hidden is linked through the server with whoever can', async ({
  village,
}) => {
  const [ana, ben, cem] = [
    await village.open({ query: 'links=carried' }),
    await village.open(),
    await village.open(),
  ];
  for (const page of [ana, ben, cem]) await waitForOthers(page, 2);
  expect(await waysOf(ana)).toEqual(['carried', 'carried']);
  expect((await waysOf(ben)).toSorted()).toEqual(['carried', 'direct']);
});
