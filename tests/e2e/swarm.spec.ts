import { waitForOthers } from '../../scripts/lib/village.ts';
import { expect, test } from './fixtures.ts';

// What runs in a page is text: docs/p2p.md as a person would type it into the console.
const listen = `(() => {
  globalThis.heard = [];
  const text = (payload) => new TextDecoder().decode(payload);
  aivillage.p2p.broadcasts(({ from, payload }) => heard.push(['all', from, text(payload)]));
  aivillage.p2p.messages(({ from, payload }) => heard.push(['me', from, text(payload)]));
})()`;

test('three tabs know each other by signed records, and talk to all and to one', async ({ village }) => {
  const pages = [await village.open(), await village.open(), await village.open()];
  for (const page of pages) await waitForOthers(page, 2);
  const peers = await Promise.all(pages.map((page) => page.evaluate<string>('aivillage.p2p.self')));
  const [ana, ben, cem] = pages;
  for (const page of pages) {
    await page.evaluate(listen);
    await expect
      .poll(() =>
        page.evaluate<string[]>('aivillage.p2p.discoverPeers().map(({ identity }) => identity.peer).sort()'),
      )
      .toEqual(peers.filter((_, index) => pages[index] !== page).sort());
  }
  await ana!.evaluate(`aivillage.p2p.broadcast(new TextEncoder().encode('hello all'))`);
  expect(
    await ben!.evaluate(`aivillage.p2p.sendMessage('${peers[2]}', new TextEncoder().encode('hello you'))`),
  ).toEqual({ ok: true });
  const heardBy = (page: typeof ana) => page!.evaluate<string[][]>('heard');
  await expect.poll(() => heardBy(cem)).toHaveLength(2);
  expect((await heardBy(cem)).toSorted()).toEqual([
    ['all', peers[0], 'hello all'],
    ['me', peers[1], 'hello you'],
  ]);
  expect(await heardBy(ben)).toEqual([['all', peers[0], 'hello all']]);
  expect(await ana!.evaluate('aivillage.p2p.getNetworkStatistics()')).toMatchObject({
    peers: 3,
    neighbors: 2,
    broadcast: { invalid: 0 },
  });
});

test('a tab that is killed without a word is missed within seconds', async ({ village }) => {
  const ana = await village.open();
  const device = await village.newContext();
  const ben = await village.open({ context: device });
  await waitForOthers(ana, 1);
  const session = await device.newCDPSession(ben);
  void session.send('Page.crash').catch(() => {});
  await waitForOthers(ana, 0, 15_000);
});
