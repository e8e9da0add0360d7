import type { Page } from 'playwright';
import { openTab, waitForOthers } from '../../scripts/lib/village.ts';
import { expect, goTo, test } from './fixtures.ts';
import { fact } from './page.ts';

/** The page opens the swarm that it founds: its address is the invitation. */
const foundSwarm = async (page: Page): Promise<string> => {
  await goTo(page, 'Swarm');
  await page.getByRole('button', { name: 'Change room' }).click();
  await page.getByRole('button', { name: 'Found a private swarm' }).click();
  await page.waitForURL(/&founder=/);
  await goTo(page, 'Swarm');
  await expect(fact(page, 'Founder')).toHaveText(/^you/);
  return page.url();
};

const nameOf = async (page: Page): Promise<string> =>
  (await page.locator('.topbar-self span').textContent()) ?? '';
const openPeer = (page: Page, name: string) =>
  page
    .getByRole('table')
    .getByRole('button', { name: new RegExp(name) })
    .click();
const decisions = (page: Page) => page.getByRole('region', { name: 'What was decided' });

const remove = async (page: Page, name: string, reason: string): Promise<void> => {
  await openPeer(page, name);
  await page.getByRole('button', { name: 'Remove…' }).click();
  await page.getByLabel(`Why is ${name} removed?`).fill(reason);
  await page.getByRole('button', { name: 'Remove from swarm' }).click();
};

test('a founder removes a member with a reason, the member is told, and is back when let in', async ({
  village,
}) => {
  const founder = await village.open();
  const link = await foundSwarm(founder);
  const device = await village.newContext();
  const member = await openTab(device.browser()!, link, { context: device });
  await Promise.all([waitForOthers(founder, 1), waitForOthers(member, 1)]);
  const name = await nameOf(member);

  await remove(founder, name, 'it sent spam');
  const notice = member.getByRole('alert').filter({ hasText: 'You were removed from this swarm by' });
  await expect(notice).toContainText('“it sent spam”');
  await waitForOthers(founder, 0);
  await expect(decisions(founder)).toContainText(`You removed ${name}: “it sent spam”.`);
  await expect(decisions(founder)).toContainText('The chain holds.');

  // It stays so over a reload, which asks again and is told the same.
  await member.reload();
  await expect(notice).toContainText('“it sent spam”');
  await expect(member.locator('.room-status')).toContainText('you were removed from this swarm');
  await waitForOthers(founder, 0);

  await founder.getByRole('button', { name: 'Let back in' }).click();
  await expect(decisions(founder)).toContainText(`You let ${name} back in.`);
  await member.getByRole('button', { name: 'Ask again' }).click();
  await Promise.all([waitForOthers(founder, 1), waitForOthers(member, 1)]);
  await expect(notice).toHaveCount(0);
});

test('an operator helps out with a token, keeps it over a reload, and is done when withdrawn', async ({
  village,
}) => {
  const founder = await village.open();
  const link = await foundSwarm(founder);
  const open = async () => {
    const context = await village.newContext();
    return openTab(context.browser()!, link, { context });
  };
  const [helper, member] = [await open(), await open()];
  await Promise.all([founder, helper, member].map((page) => waitForOthers(page, 2)));
  const [helperName, memberName] = [await nameOf(helper), await nameOf(member)];
  await openPeer(founder, helperName);
  await founder.getByRole('button', { name: 'Make operator' }).click();
  await founder.getByRole('button', { name: 'Close' }).click();
  await founder.getByLabel('Name of this swarm').fill('Lamplighters');
  await founder.getByRole('button', { name: 'Save name' }).click();
  await expect(helper.locator('.room-name')).toContainText('Lamplighters');

  // The log comes from this device, the token anew: a reload is another tab.
  await helper.reload();
  await waitForOthers(helper, 2);
  await goTo(helper, 'Swarm');
  await expect(fact(helper, 'You')).toContainText('proved until');
  await remove(helper, memberName, 'not now');
  await expect(member.getByRole('alert')).toContainText('“not now”');
  await expect(decisions(founder)).toContainText(`${helperName} removed ${memberName}: “not now”.`);

  await openPeer(founder, helperName);
  await founder.getByRole('button', { name: 'End as operator' }).click();
  await expect(fact(helper, 'You')).toHaveText('member');
  await expect(helper.getByRole('button', { name: 'Let back in' })).toHaveCount(0);
  // What it did while it was operator stands.
  await expect(decisions(founder)).toContainText(`${helperName} removed ${memberName}: “not now”.`);
});

test('an open room stays what it is, and a link that names another founder is another room', async ({
  village,
}) => {
  const page = await village.open();
  await goTo(page, 'Swarm');
  await expect(page.getByRole('heading', { name: 'Who decides here' })).toHaveCount(0);
  const founder = await village.open();
  const link = await foundSwarm(founder);
  const context = await village.newContext();
  const other = link.replace(/founder=(.)/, (_whole, letter) => `founder=${letter === 'A' ? 'B' : 'A'}`);
  const stranger = await openTab(context.browser()!, other, { context });
  await waitForOthers(stranger, 0);
  await waitForOthers(founder, 0);
});
