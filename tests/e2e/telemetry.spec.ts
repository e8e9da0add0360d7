import { createServer, type Server } from 'node:http';
import createSqlite from '@sqlite.org/sqlite-wasm';
import type { Page } from 'playwright';
import {
  exportJob,
  type Host,
  startHost,
  submitFiles,
  waitForJobEnd,
  waitForOthers,
} from '../../scripts/lib/village.ts';
import { test as base, corpusPage, expect, goTo, renderPng } from './fixtures.ts';
import { fact, healthCheck, printedLines } from './page.ts';

/** Somebody whom the host's operator has named: keeps what is posted to it. */
type Receiver = { readonly url: string; readonly bodies: string[]; close(): Promise<void> };

const test = base.extend<object, { readonly collector: Receiver; readonly webhook: Receiver }>({
  collector: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the pattern to know what a fixture needs
    async ({}, use) => {
      const receiver = await openReceiver();
      await use(receiver);
      await receiver.close();
    },
    { scope: 'worker' },
  ],
  webhook: [
    // biome-ignore lint/correctness/noEmptyPattern: as above
    async ({}, use) => {
      const receiver = await openReceiver();
      await use(receiver);
      await receiver.close();
    },
    { scope: 'worker' },
  ],
  host: [
    async ({ collector, webhook }, use) => {
      const host: Host = await startHost({
        otlp: { url: `${collector.url}/v1/traces`, headers: {}, encoding: 'json', sampling: 0 },
        alerts: { webhook: webhook.url },
      });
      await use(host);
      await host.close();
    },
    { scope: 'worker' },
  ],
});

// Samples, checks and rules keep their real pace here: 5, 5 and 10 seconds.
const patience = 150_000;

test('a job’s time is shown over all devices that worked, and everything measured can be taken along', async ({
  village,
  collector,
}) => {
  test.setTimeout(patience);
  const page = await village.open({ consent: 'Use only' });
  const helper = await village.open();
  await waitForOthers(page, 1);
  await submitFiles(page, [corpusPage('clean-novel').path]);
  await waitForJobEnd(page, 80_000);
  const { peers } = await exportJob(page);
  const other = peers.find(({ credits }) => credits > 0);
  expect(other, 'the other tab read some of it').toBeDefined();

  await test.step('the waterfall has the spans of both tabs', async () => {
    await page.getByRole('button', { name: 'Where did the time go?' }).click();
    const names = await spanNames(page);
    expect(names.some((name) => /^job, .*, tab/.test(name))).toBe(true);
    expect(names.some((name) => name.includes(`worker of ${other?.name}`))).toBe(true);
    expect(names.filter((name) => / tab of /.test(name)).length).toBeGreaterThan(0);
    const file = await download(page, () => page.getByRole('button', { name: 'JSON', exact: true }).click());
    expect(JSON.parse(file.text).resourceSpans).toBeDefined();
  });

  await test.step('how long the models took is known', async () => {
    const names = () =>
      page.evaluate('aivillage.telemetry.snapshot().map(({ name }) => name)') as Promise<string[]>;
    expect(await names()).toEqual(expect.arrayContaining(['model_load_seconds', 'model_open_seconds']));
  });

  await test.step('none of it has left the device before the person said yes', async () => {
    // The host tells of its own requests; of tabs it has nothing to tell.
    expect(collector.bodies.join('')).not.toContain('aivillage-tab');
    await openTab(page, 'Reports');
    const share = page.getByRole('switch', { name: 'Send traces to the host' });
    await expect(share).toBeEnabled();
    await share.click();
    await expect(share).toBeChecked();
    await goTo(page, 'Read');
    await submitFiles(page, [corpusPage('clean-receipt-narrow').path]);
    await waitForJobEnd(page, 60_000);
    const told = () => collector.bodies.filter((body) => body.includes('aivillage-tab')).join('');
    await expect.poll(told, { timeout: 20_000 }).toContain('"name":"job"');
  });

  await test.step('charts', async () => {
    await goTo(page, 'Health');
    await openTab(page, 'Charts');
    const jobs = page.getByRole('region', { name: 'Jobs', exact: true }).getByRole('img');
    await expect(jobs).toHaveAccessibleName(/^done: now .* between 0 \/s and/);
    const { name, text } = await download(page, () =>
      page.getByRole('button', { name: 'CSV of what is shown' }).click(),
    );
    expect(name).toMatch(/\.csv$/);
    const [head, ...rows] = text.trim().split('\r\n');
    expect(head).toMatch(/^series,kind,tier,time,at_ms,count,sum/);
    const jobsCounted = rows.filter((row) => row.includes('inference_jobs_total') && row.includes('done'));
    expect(jobsCounted.length).toBeGreaterThan(0);
  });

  await test.step('the log', async () => {
    await openTab(page, 'Log');
    await page.getByRole('searchbox', { name: 'Search the log' }).fill('job ended');
    const entries = page.getByRole('list', { name: /newest first/ }).getByRole('listitem');
    await expect(entries).toHaveCount(2);
    await expect(entries.first()).toContainText('done');
    const { text } = await download(page, () => page.getByRole('button', { name: /JSON lines/ }).click());
    const lines = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line).toMatchObject({ level: 'info', component: 'inference' });
    await page.getByLabel('By default').selectOption('debug');
    await expect(page.getByText(/^By default everything/)).toBeVisible();
  });

  await test.step('reports and files', async () => {
    await openTab(page, 'Reports');
    await page.getByLabel('As', { exact: true }).selectOption('html');
    const report = await download(page, () => page.getByRole('button', { name: 'Download report' }).click());
    expect(report.name).toMatch(/\.html$/);
    expect(report.text).toContain('inference_jobs_total');
    expect(report.text).not.toMatch(/<script|https?:\/\//);

    await page.getByRole('radio', { name: 'SQLite' }).check();
    await page.getByRole('switch', { name: 'Compressed' }).uncheck();
    const file = await download(page, () => page.getByRole('button', { name: 'Save', exact: true }).click());
    expect(await seriesInSqlite(file.bytes)).toContain('inference_jobs_total');

    await page.getByRole('button', { name: 'Forget all of it' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Forget all of it' }).click();
    await expect(page.getByText('What was measured is forgotten.')).toBeVisible();
    await expect(fact(page, 'Points')).toHaveText(/^\d{1,2}$/);
    await page
      .getByLabel('A file of measurements')
      .setInputFiles({ name: file.name, mimeType: 'application/vnd.sqlite3', buffer: file.bytes });
    await expect(page.getByText(/^[\d,]+ points of \d+ series were added from a SQLite file/)).toBeVisible();
    await expect(page.getByText('Nothing of it was damaged.')).toBeVisible();
  });

  await test.step('a series that was added to the charts is there in the next life of the tab', async () => {
    await openTab(page, 'Charts');
    await page.getByRole('button', { name: 'Add a series' }).click();
    const picker = page.getByRole('dialog', { name: 'Add a series' });
    await picker.getByLabel('Find').fill('model_open_seconds');
    await picker.getByRole('checkbox').first().check();
    await page.keyboard.press('Escape');
    const added = page.getByRole('button', { name: /^Take .* away/ });
    await expect(added).toHaveCount(1);
    await page.reload();
    await goTo(page, 'Health');
    await openTab(page, 'Charts');
    await expect(added).toHaveCount(1);
  });
  await helper.close();
});

test('what breaks is seen, mended and told, and only to whom the person has said', async ({
  village,
  shared,
  webhook,
}) => {
  test.setTimeout(patience);
  const context = await village.newContext();
  let damaged = true;
  await context.route(/rec_infer.*\.onnx/, async (route) => {
    const response = await route.fetch();
    const body = await response.body();
    if (damaged) body[1_000_000]! ^= 1;
    await route.fulfill({ response, body });
  });
  const page = await village.open({ context, consent: 'Use only' });

  await test.step('a test alert goes to the host when it may', async () => {
    await goTo(page, 'Health');
    await openTab(page, 'Alerts');
    const relay = page.getByRole('switch', { name: 'Tell the host’s channels' });
    await expect(relay).toBeEnabled();
    await page.getByRole('button', { name: 'Send a test' }).click();
    await expect(fact(page, 'host')).toContainText(/switched off/);
    expect(webhook.bodies).toEqual([]);
    await relay.click();
    await expect(relay).toBeChecked();
    await page.getByRole('button', { name: 'Send a test' }).click();
    await expect(fact(page, 'host')).toContainText(/told/i);
    await expect.poll(() => webhook.bodies.length).toBe(1);
    expect(JSON.parse(webhook.bodies[0] ?? '')).toMatchObject({
      schema: 'aivillage.alert',
      group: 'test',
      title: 'Test of alerts',
    });
  });

  await test.step('a damaged model fails the engine; Health sees it and mends it', async () => {
    await setRule(page, 'Stored model files were damaged', /^Fires above/, '100');
    await goTo(page, 'Read');
    await submitFiles(page, [
      {
        name: 'boats.png',
        mimeType: 'image/png',
        buffer: await renderPng(shared, printedLines(['Seven boats left at noon']), 460, 64),
      },
    ]);
    await expect(page.getByRole('main')).toContainText(/arrived damaged twice/, { timeout: 40_000 });
    await goTo(page, 'Health');
    await expect(healthCheck(page, 'Reading engine')).toContainText('needs attention', { timeout: 20_000 });
    damaged = false;
    const incidents = page.getByRole('region', { name: 'What went wrong' });
    await expect(incidents).toContainText(/Reading engine.*Took .*restart worker/, { timeout: 50_000 });
    await expect(healthCheck(page, 'Reading engine')).toContainText('fine');
  });

  await test.step('a stricter rule fires, stands in the inbox, and can be silenced', async () => {
    await openTab(page, 'Alerts');
    const inbox = page.getByRole('region', { name: 'Inbox' });
    const alert = inbox.getByRole('listitem').filter({ hasText: 'Stored model files were damaged' });
    await expect(alert).toHaveCount(0);
    await setRule(page, 'Stored model files were damaged', /^Fires above/, '0');
    await expect(alert).toBeVisible({ timeout: 30_000 });
    await alert.getByRole('button', { name: 'Silence' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Silence', exact: true }).click();
    await expect(page.getByRole('region', { name: 'Silenced' })).toContainText(/model files were damaged/i);
    await expect(alert).toContainText('silenced', { timeout: 20_000 });
  });
});

const setRule = async (page: Page, title: string, label: RegExp, value: string) => {
  await page.getByRole('button', { name: `Change ${title}` }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel(label).fill(value);
  await dialog.getByRole('button', { name: 'Change the rule' }).click();
  await expect(dialog).toBeHidden();
};

const openTab = async (page: Page, name: string) => {
  await page.getByRole('tab', { name }).click();
  await expect(page.getByRole('tab', { name })).toHaveAttribute('aria-selected', 'true');
};

/** Only rows in sight are in the page: walks down to the last one. */
const spanNames = async (page: Page): Promise<readonly string[]> => {
  const tree = page.getByRole('tree', { name: 'Spans' });
  await tree.waitFor();
  const found = new Set<string>();
  const take = async () => {
    for (const row of await tree.getByRole('treeitem').all())
      found.add((await row.getAttribute('aria-label')) ?? '');
  };
  await take();
  for (let i = 0; i < 20; i++) {
    const more = await tree.evaluate((element) => {
      const before = element.scrollTop;
      element.scrollTop += element.clientHeight;
      return element.scrollTop > before;
    });
    if (!more) break;
    await take();
  }
  return [...found];
};

const download = async (page: Page, act: () => Promise<void>) => {
  const [started] = await Promise.all([page.waitForEvent('download'), act()]);
  const parts: Buffer[] = [];
  for await (const part of await started.createReadStream()) parts.push(part as Buffer);
  const bytes = Buffer.concat(parts);
  return { name: started.suggestedFilename(), bytes, text: bytes.toString('utf8') };
};

/** What SQLite itself reads of a file. */
const seriesInSqlite = async (bytes: Buffer): Promise<readonly string[]> => {
  const sqlite = await createSqlite();
  const db = new sqlite.oo1.DB();
  try {
    const memory = sqlite.wasm.allocFromTypedArray(new Uint8Array(bytes));
    const { SQLITE_DESERIALIZE_FREEONCLOSE, SQLITE_DESERIALIZE_RESIZEABLE } = sqlite.capi;
    const opened = sqlite.capi.sqlite3_deserialize(
      db.pointer ?? 0,
      'main',
      memory,
      bytes.length,
      bytes.length,
      SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE,
    );
    db.checkRc(opened);
    expect(db.selectValue('PRAGMA integrity_check')).toBe('ok');
    expect(Number(db.selectValue('SELECT count(*) FROM points'))).toBeGreaterThan(0);
    return db.selectValues('SELECT DISTINCT name FROM series').map(String);
  } finally {
    db.close();
  }
};

const openReceiver = (): Promise<Receiver> =>
  new Promise((resolve) => {
    const bodies: string[] = [];
    const server: Server = createServer(async (request, response) => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      bodies.push(Buffer.concat(parts).toString('utf8'));
      response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}');
    });
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (address === null || typeof address === 'string') throw new Error('no port');
      resolve({
        url: `http://127.0.0.1:${address.port}`,
        bodies,
        close: () => new Promise((done) => server.close(() => done())),
      });
    });
  });
