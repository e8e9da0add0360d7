import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { afterEach, describe, expect, it } from 'vitest';
import { milliseconds } from '../../src/core/brand.ts';
import { notificationOf } from '../../src/observability/alerts/testDoubles.ts';
import { toRelayMessage, type WebhookBody } from '../../src/observability/index.ts';
import { createNodeClock, createNodeTimers } from '../../src/platform/node/index.ts';
import { openAuthority } from '../authority.ts';
import { type AlertConfig, noAlertChannels } from './config.ts';
import { openAlertRelay } from './relay.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const listen = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => server.close());
  return (server.address() as AddressInfo).port;
};

type Call = { readonly at: number; readonly body: string };
/** A receiver that answers as it is told, one answer a call; the last one again and again. */
const openReceiver = async (
  ...answers: readonly (number | 'hangs' | { status: number; retryAfter: string })[]
) => {
  const calls: Call[] = [];
  const listener: RequestListener = (request, response) => {
    let body = '';
    request.on('data', (part) => {
      body += part;
    });
    request.on('end', () => {
      const answer = answers[Math.min(calls.length, answers.length - 1)] ?? 200;
      calls.push({ at: performance.now(), body });
      if (answer === 'hangs') return;
      if (typeof answer === 'number') response.writeHead(answer).end('secret words of the receiver');
      else response.writeHead(answer.status, { 'Retry-After': answer.retryAfter }).end();
    });
  };
  const server = createServer(listener);
  const port = await listen(server);
  closers.push(() => server.closeAllConnections());
  return { url: `http://127.0.0.1:${port}/hook/s3cret`, calls };
};

type Mail = { readonly to: readonly string[]; readonly text: string };
const openMailbox = async (options: SMTPServerOptions = {}) => {
  const mails: Mail[] = [];
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    onData(stream, session, done) {
      let text = '';
      stream.on('data', (part) => {
        text += part;
      });
      stream.on('end', () => {
        mails.push({ to: session.envelope.rcptTo.map(({ address }) => address), text });
        done();
      });
    },
    ...options,
  });
  server.on('error', () => {}); // clients that leave
  const port = await listen(server.server);
  closers.push(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return { port, mails };
};
const mailTo = (port: number, login = ''): AlertConfig => ({
  ...noAlertChannels,
  email: {
    to: ['ops@village.example'],
    from: 'AIVillage <alerts@village.example>',
    smtpUrl: `smtp://${login}127.0.0.1:${port}`,
  },
});

const openRelay = (config: AlertConfig, change: object = {}, mailCa?: string) => {
  const counts: Record<string, number> = {};
  const logged: string[] = [];
  const relay = openAlertRelay(
    {
      clock: createNodeClock(),
      timers: createNodeTimers({ holdsProcess: false }),
      log: (_level, message, fields) => void logged.push(`${message} ${JSON.stringify(fields)}`),
      count: (outcome, channel = '') => {
        counts[`${outcome}${channel && ` ${channel}`}`] =
          (counts[`${outcome}${channel && ` ${channel}`}`] ?? 0) + 1;
      },
    },
    config,
    {
      host: 'village.example',
      outbox: {
        timeoutMs: 250,
        backoff: [milliseconds(20), milliseconds(20)],
        maxWaiting: 5,
        perWindow: 3,
        windowMs: 1_100,
        ...change,
      },
      ...(mailCa === undefined ? {} : { mailCa }),
    },
  );
  if (!relay) throw new Error('no channel');
  closers.push(relay.close);
  const post = (text: string) => relay.route.handle(new TextEncoder().encode(text), { address: '192.0.2.1' });
  return {
    relay,
    counts,
    logged,
    post,
    tell: (id: string, change = {}) => post(toRelayMessage('room', notificationOf({ id, ...change }))),
  };
};

it('is nothing where no channel is configured', () => {
  const deps = { clock: createNodeClock(), timers: createNodeTimers(), log: () => {}, count: () => {} };
  expect(openAlertRelay(deps, noAlertChannels, { host: 'h' })).toBeUndefined();
});

describe('webhooks', () => {
  it('get what a tab told, in the documented schema, once for the same news', async () => {
    const { url, calls } = await openReceiver(200);
    const slack = await openReceiver(200);
    const { relay, tell, counts } = openRelay({ ...noAlertChannels, webhook: url, slack: slack.url });
    expect(await tell('a')).toMatchObject({ status: 202 });
    expect(await tell('a')).toMatchObject({ status: 200 });
    await expect.poll(() => [calls.length, slack.calls.length]).toEqual([1, 1]);
    expect(JSON.parse(calls[0]?.body ?? '') as WebhookBody).toMatchObject({
      schema: 'aivillage.alert',
      version: 1,
      sender: { host: 'village.example', swarm: 'room' },
      severity: 'page',
      alerts: [{ fingerprint: 'jobs-failing|page', firedAt: '1970-01-01T00:00:01.000Z' }],
    });
    expect(JSON.parse(slack.calls[0]?.body ?? '')).toMatchObject({
      blocks: [{ type: 'header' }, { type: 'section' }, { type: 'context' }],
    });
    await expect.poll(() => counts).toEqual({ taken: 1, duplicate: 1, 'told webhook': 1, 'told slack': 1 });
    expect(relay.channels).toEqual(['webhook', 'slack']);
  });

  it('that fail first are tried again, and after a resolution the same news are news', async () => {
    const { url, calls } = await openReceiver(500, 200);
    const { tell, counts } = openRelay({ ...noAlertChannels, webhook: url });
    await tell('a');
    await expect.poll(() => counts['told webhook']).toBe(1);
    expect(calls.length).toBe(2);
    await tell('b', { kind: 'resolved' });
    expect(await tell('a')).toMatchObject({ status: 202 });
  });

  it('are left alone for as long as they ask', async () => {
    const { url, calls } = await openReceiver({ status: 429, retryAfter: '1' }, 200);
    const { tell } = openRelay({ ...noAlertChannels, webhook: url });
    await tell('a');
    await expect.poll(() => calls.length).toBe(1);
    await tell('b');
    await expect.poll(() => calls.length, { timeout: 4_000 }).toBe(3);
    expect((calls[1]?.at ?? 0) - (calls[0]?.at ?? 0)).toBeGreaterThan(900);
  });

  it('that hang hold up nobody: the other channel is told, and the try ends', async () => {
    const hanging = await openReceiver('hangs');
    const slack = await openReceiver(200);
    const { tell, relay, logged, counts } = openRelay({
      ...noAlertChannels,
      webhook: hanging.url,
      slack: slack.url,
    });
    await tell('a');
    await expect.poll(() => slack.calls.length).toBe(1);
    expect(hanging.calls.length).toBe(1);
    await expect.poll(() => counts['lost webhook'], { timeout: 4_000 }).toBe(1);
    expect(relay.state()[0]?.problem).toBe('webhook did not answer within 0.25 s');
    expect(logged.join()).not.toContain('s3cret');
  });

  it('beyond the limit are told in one digest', async () => {
    const { url, calls } = await openReceiver(200);
    const { tell, relay } = openRelay({ ...noAlertChannels, webhook: url });
    for (let each = 0; each < 10; each++) await tell(`n${each}`);
    expect(relay.state()[0]?.held).toBe(7);
    await expect.poll(() => calls.length, { timeout: 4_000 }).toBe(4);
    expect((JSON.parse(calls[3]?.body ?? '') as WebhookBody).title).toBe('7 more notifications');
  });

  it('that refuse, or lead elsewhere, are not tried again; what they say is not told', async () => {
    const { url, calls } = await openReceiver(404);
    const { tell, logged, counts } = openRelay({ ...noAlertChannels, webhook: url });
    await tell('a');
    await expect.poll(() => counts['lost webhook']).toBe(1);
    expect(calls.length).toBe(1);
    expect(logged.join()).not.toMatch(/s3cret|secret words/);
  });
});

describe('e-mail', () => {
  it('arrives, with one subject and no header of a stranger', async () => {
    const { port, mails } = await openMailbox();
    const { tell } = openRelay(mailTo(port));
    await tell('a', { title: 'Jobs fail\r\nBcc: all@victim.example' });
    await expect.poll(() => mails.length).toBe(1);
    const [head = ''] = mails[0]?.text.split('\r\n\r\n') ?? [];
    expect(mails[0]?.to).toEqual(['ops@village.example']);
    expect(head).toMatch(/^Subject: \[AIVillage page\] Jobs fail Bcc: all@victim\.example$/m);
    expect(head).not.toMatch(/^Bcc:/m);
  });

  it('is tried again where it is greylisted, and given up where it is refused', async () => {
    let tries = 0;
    const grey = await openMailbox({
      onRcptTo: (_address, _session, done) =>
        tries++ === 0 ? done(Object.assign(new Error('later'), { responseCode: 450 })) : done(),
    });
    const first = openRelay(mailTo(grey.port));
    await first.tell('a');
    await expect.poll(() => first.counts['told email']).toBe(1);
    const never = await openMailbox({
      onMailFrom: (_address, _session, done) =>
        done(Object.assign(new Error('never'), { responseCode: 550 })),
    });
    const second = openRelay(mailTo(never.port));
    await second.tell('a');
    await expect.poll(() => second.counts['lost email']).toBe(1);
    expect(second.relay.state()[0]?.problem).toContain('the mail server answered 550');
  });

  it('is sent once to a server that takes its time: what it has taken it delivers, whether or not somebody waited', async () => {
    let taken = 0;
    const { port } = await openMailbox({
      onData(stream, _session, done) {
        stream.resume();
        stream.on('end', () => {
          taken++;
          setTimeout(done, 600);
        });
      },
    });
    const { tell, counts } = openRelay(mailTo(port));
    await tell('a');
    await expect.poll(() => counts['told email'], { timeout: 4_000 }).toBe(1);
    expect(taken).toBe(1);
  });

  it('is reported where the server drops the connection', async () => {
    const { port } = await openMailbox({ onConnect: (session, done) => done(new Error(`no ${session.id}`)) });
    const { tell, counts } = openRelay(mailTo(port));
    await tell('a');
    await expect.poll(() => counts['lost email'], { timeout: 4_000 }).toBe(1);
  });

  it('is not sent where a certificate can not be verified, nor a password in the clear', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'aivillage-mail-'));
    closers.push(() => rm(folder, { recursive: true }));
    const authority = await openAuthority(folder, new Date(), ['127.0.0.1']);
    const { port, mails } = await openMailbox({
      disabledCommands: ['AUTH'],
      key: authority.key,
      cert: authority.cert,
    });
    const strange = openRelay(mailTo(port));
    await strange.tell('a');
    await expect.poll(() => strange.counts['lost email'], { timeout: 4_000 }).toBe(1);
    expect(mails).toEqual([]);
    const clear = await openMailbox({
      disabledCommands: ['STARTTLS'],
      allowInsecureAuth: true,
      onAuth: () => expect.unreachable(),
    });
    const open = openRelay(mailTo(clear.port, 'user:hunter2@'));
    await open.tell('a');
    await expect.poll(() => open.counts['lost email'], { timeout: 4_000 }).toBe(1);
    expect(clear.mails).toEqual([]);
    expect([...strange.logged, ...open.logged].join()).not.toContain('hunter2');
  });
});

describe('what a stranger posts', () => {
  const fine = JSON.parse(toRelayMessage('room', notificationOf())) as Record<string, unknown>;
  const notification = fine['notification'] as Record<string, unknown>;
  it.each([
    ['no JSON', '{"version":1,'],
    ['another version', JSON.stringify({ ...fine, version: 2 })],
    [
      'a title without end',
      JSON.stringify({ ...fine, notification: { ...notification, title: 'x'.repeat(301) } }),
    ],
    [
      'too many alerts',
      JSON.stringify({
        ...fine,
        notification: { ...notification, alerts: Array(21).fill((notification['alerts'] as unknown[])[0]) },
      }),
    ],
    [
      'a link of its own',
      JSON.stringify({
        ...fine,
        notification: {
          ...notification,
          alerts: [{ ...(notification['alerts'] as object[])[0], runbook: 'https://evil.example' }],
        },
      }),
    ],
    ['a time beyond all', JSON.stringify({ ...fine, notification: { ...notification, at: 1e300 } })],
    ['members nobody knows', JSON.stringify({ ...fine, more: 1 })],
    ['nothing', ''],
  ])('is refused if it is %s', async (_what, text) => {
    const { url, calls } = await openReceiver(200);
    const { post, counts } = openRelay({ ...noAlertChannels, webhook: url });
    expect(await post(text)).toMatchObject({ status: 400 });
    expect(counts).toEqual({ refused: 1 });
    expect(calls).toEqual([]);
  });

  it('is refused if it is too long, and as often as an address may', async () => {
    const { url } = await openReceiver(200);
    const { post, relay } = openRelay({ ...noAlertChannels, webhook: url });
    expect(await post(' '.repeat(70_000))).toMatchObject({ status: 413 });
    expect(relay.route.rate.capacity).toBeLessThanOrEqual(20);
  });
});
