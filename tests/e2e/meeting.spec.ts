import { waitForOthers } from '../../scripts/lib/village.ts';
import { expect, goTo, test } from './fixtures.ts';

test('two devices list each other within five seconds, with what they are', async ({ village }) => {
  const ana = await village.open({ cores: 6 });
  const started = Date.now();
  const silent = await village.newContext();
  await silent.addInitScript(() => Reflect.deleteProperty(Navigator.prototype, 'getBattery'));
  const ben = await village.open({ cores: 4, context: silent });
  await waitForOthers(ana, 1, 5_000);
  await waitForOthers(ben, 1, 5_000);
  expect(Date.now() - started).toBeLessThan(15_000);
  await goTo(ana, 'Swarm');
  await ana.getByRole('table').getByRole('button').first().click();
  const details = ana.getByRole('dialog');
  await expect(details).toContainText('Linux');
  await expect(details).toContainText(/Cores\s*4/);
  await expect(details).toContainText(/Battery\s*not reported/);
});

test('nothing is sent before the person has answered, and alone means alone', async ({ village }) => {
  const page = await village.open({ consent: 'none' });
  const sockets: string[] = [];
  page.on('websocket', (socket) => sockets.push(socket.url()));
  await expect(page.getByRole('button', { name: /^Use and share/ })).toBeVisible();
  await page.waitForTimeout(1_000);
  await page.getByRole('button', { name: /^This device only/ }).click();
  await expect(page.getByRole('navigation', { name: 'Screens' })).toBeVisible();
  await page.waitForTimeout(1_000);
  expect(sockets).toEqual([]);
});

test('two tabs of one device are two nodes of one account', async ({ village }) => {
  const context = await village.newContext();
  const first = await village.open({ context });
  const second = await village.open({ context });
  await waitForOthers(first, 1);
  await waitForOthers(second, 1);
  await goTo(first, 'Swarm');
  await first.getByRole('table').getByRole('button').first().click();
  await expect(first.getByRole('dialog')).toContainText(/this device|same device|your device/i);
});

test('tabs of different versions part politely, and say what to do', async ({ village }) => {
  const current = await village.open();
  await village.open({ query: 'mesh=99' });
  await goTo(current, 'Swarm');
  await expect(current.getByText(/protocol 99.*reload this tab/)).toBeVisible();
  await waitForOthers(current, 0);
});

test('a link that is not one is said, and another room opened', async ({ village }) => {
  const page = await village.open();
  // The page notices that its address names another room, and starts anew there.
  await Promise.all([page.waitForEvent('load'), page.goto(`${village.host.url}/#room=short`)]);
  await goTo(page, 'Health');
  await page.getByRole('tab', { name: 'Log' }).click();
  await expect(page.getByText(/Another room was opened instead/).first()).toBeVisible();
});
