import { describe, expect, it } from 'vitest';
import { milliseconds } from '../../core/brand.ts';
import { err, ok } from '../../core/result.ts';
import { toEmail, toSlack, toWebhookJson } from './formats.ts';
import { defaultNoticePolicy, type NoticeState, nothingTold, notify } from './notices.ts';
import { type Channel, createOutbox, defaultOutboxOptions } from './outbox.ts';
import { createRelayChannel, readRelayMessage, toRelayMessage } from './relay.ts';
import { createTestTime, notificationOf } from './testDoubles.ts';
import type { AlertView } from './types.ts';

const minute = 60_000;
const policy = { ...defaultNoticePolicy, origin: 'here' };
const [firing = undefined] = notificationOf().alerts;
const alertOf = (change: Partial<AlertView> = {}): AlertView => {
  if (!firing) throw new Error('no alert');
  return { ...firing, ...change };
};

describe('notices', () => {
  const start = 10_000_000;
  const createTeller = () => {
    let state: NoticeState = nothingTold;
    return (at: number, ...alerts: readonly AlertView[]) => {
      const [next, notifications] = notify(state, alerts, start + at, policy);
      state = next;
      return notifications.map(({ kind, title }) => `${kind}: ${title}`);
    };
  };
  const page = alertOf({ firedAt: start });

  it('tell a page at once, once, and again after hours', () => {
    const tell = createTeller();
    expect(tell(0, page)).toEqual(['firing: Jobs fail']);
    expect(tell(minute, page)).toEqual([]);
    expect(tell(4 * 60 * minute, page)).toEqual(['firing: Jobs fail']);
  });

  it('let tickets wait for more of their group', () => {
    const tell = createTeller();
    const ticket = alertOf({ firedAt: start, severity: 'ticket' });
    const other = alertOf({ id: 'other', title: 'Other', firedAt: start + 15_000, severity: 'ticket' });
    expect(tell(0, ticket)).toEqual([]);
    expect(tell(15_000, ticket, other)).toEqual([]);
    expect(tell(30_000, ticket, other)).toEqual(['firing: Jobs fail and 1 more']);
  });

  it('tell a ticket that became a page, and a new episode of an old alert', () => {
    const tell = createTeller();
    tell(30_000, alertOf({ firedAt: start, severity: 'ticket' }));
    expect(tell(2 * minute, page)).toEqual(['firing: Jobs fail']);
    expect(tell(10 * minute, alertOf({ firedAt: start + 9 * minute }))).toEqual(['firing: Jobs fail']);
  });

  it('tell resolutions only of what was told', () => {
    const tell = createTeller();
    const over = alertOf({ firedAt: start, state: 'resolved', resolvedAt: start + minute });
    expect(tell(2 * minute, over)).toEqual([]);
    tell(3 * minute, page);
    expect(tell(5 * minute, over)).toEqual(['resolved: Resolved: Jobs fail']);
    expect(tell(6 * minute, over)).toEqual([]);
  });

  it('say nothing of what is silenced, and tell it when the silence ends', () => {
    const tell = createTeller();
    expect(tell(0, { ...page, silencedUntil: start + minute })).toEqual([]);
    expect(tell(minute, page)).toEqual(['firing: Jobs fail']);
  });

  it('give the same news of the swarm one id in all tabs, and not those of two devices', () => {
    const idIn = (origin: string, group: string) =>
      notify(nothingTold, [{ ...page, group }], start, { ...policy, origin })[1][0]?.id;
    expect(idIn('a', 'mesh')).toBe(idIn('b', 'mesh'));
    expect(idIn('a', 'device')).not.toBe(idIn('b', 'device'));
  });

  it('are not undone by a clock that is set back', () => {
    const tell = createTeller();
    tell(0, page);
    expect(tell(-60 * minute, page)).toEqual([]);
    expect(tell(4 * 60 * minute, page)).toEqual(['firing: Jobs fail']);
  });

  it('are the same where what fires was dated anew, because the clock was set back', () => {
    const tell = createTeller();
    tell(0, page);
    const dated = { ...page, firedAt: start - 60 * minute };
    expect(tell(-60 * minute, dated)).toEqual([]);
    expect(tell(-40 * minute, { ...dated, state: 'resolved', resolvedAt: start - 45 * minute })).toEqual([
      'resolved: Resolved: Jobs fail',
    ]);
  });
});

describe('an outbox', () => {
  const open = (notify: Channel['notify'], change: Partial<typeof defaultOutboxOptions> = {}) => {
    const time = createTestTime();
    const lost: string[] = [];
    const outbox = createOutbox(
      { ...time, channel: { id: 'test', notify }, onLost: ({ title }) => void lost.push(title) },
      { ...defaultOutboxOptions, ...change },
    );
    return { outbox, time, lost };
  };
  const later = err({ code: 'retry', message: 'later' } as const);

  it('tries again with longer and longer waits, then counts it as lost', async () => {
    const tries: number[] = [];
    const { outbox, time, lost } = open(async () => {
      tries.push(time.clock.monotonic());
      return later;
    });
    outbox.push(notificationOf());
    await time.pass(20 * minute);
    expect(tries).toEqual([0, 5_000, 35_000, 155_000, 755_000]);
    expect([outbox.state().lost, lost]).toEqual([1, ['Jobs fail']]);
  });

  it('gives up a channel that hangs, tells it to stop, and goes on with the next', async () => {
    let aborted = 0;
    let calls = 0;
    const { outbox, time } = open((_notification, signal) => {
      signal.addEventListener('abort', () => aborted++);
      return calls++ === 0 ? new Promise(() => {}) : Promise.resolve(ok(undefined));
    });
    outbox.push(notificationOf({ id: 'a' }));
    outbox.push(notificationOf({ id: 'b' }));
    await time.pass(16_000);
    expect([aborted, outbox.state().told, outbox.state().waiting]).toEqual([1, 2, 0]);
  });

  it('survives a channel that throws', async () => {
    const { outbox, time } = open(() => {
      throw new Error('broken');
    });
    outbox.push(notificationOf());
    await time.pass(1_000);
    expect(outbox.state().problem).toBe('test: broken');
  });

  it('is bounded: the oldest of the least grave go first', async () => {
    const { outbox, time, lost } = open(() => new Promise(() => {}), { maxWaiting: 2 });
    for (const title of ['in flight', 'page', 'old info', 'new info'])
      outbox.push(notificationOf({ title, severity: title.endsWith('info') ? 'info' : 'page' }));
    await time.settle();
    expect(lost).toEqual(['old info']);
  });

  it('holds back what is beyond its limit and tells it as one', async () => {
    const titles: string[] = [];
    const { outbox, time } = open(
      async ({ title }) => {
        titles.push(title);
        return ok(undefined);
      },
      { perWindow: 2 },
    );
    for (const title of ['a', 'b', 'c', 'd']) outbox.push(notificationOf({ title }));
    await time.pass(61 * minute);
    expect(titles).toEqual(['a', 'b', '2 more notifications']);
  });
});

describe('formats', () => {
  const sender = { host: 'h' };
  const nasty = notificationOf({
    title: 'A <!channel>\r\nBcc: x@y & "q"',
    text: '<https://evil|ours>',
    alerts: [alertOf({ message: '<script>alert(1)</script> <!here>' })],
  });

  it('Slack shows what a stranger says as plain text', () => {
    const { text, blocks } = JSON.parse(toSlack(nasty, sender)) as {
      text: string;
      blocks: { text?: { type: string; text: string }; elements?: { type: string }[] }[];
    };
    expect(text).not.toMatch(/[<>]/);
    for (const { text: part, elements } of blocks)
      expect(part?.type ?? elements?.[0]?.type).toBe('plain_text');
    expect(blocks[0]?.text?.text.length).toBeLessThanOrEqual(150);
  });

  it('an e-mail has a subject of one line and no markup but its own', () => {
    const { subject, html } = toEmail(nasty, sender);
    expect(subject).toBe('[AIVillage page] A <!channel> Bcc: x@y & "q"');
    expect(html).not.toContain('<script');
    expect(html).toContain('&#60;script&#62;');
  });

  it('the webhook has no holes, whatever the times are', () => {
    const body = JSON.parse(toWebhookJson(notificationOf({ at: Number.NaN }), sender)) as {
      at: string;
      alerts: object[];
    };
    expect(body.at).toBe('1970-01-01T00:00:00.000Z');
    expect(body.alerts[0]).toMatchObject({ resolvedAt: null, series: 'page' });
  });
});

describe('the way to the host', () => {
  it('carries a notification whole, and cuts what is too long', () => {
    const long = notificationOf({ text: 'x'.repeat(20_000) });
    const read = readRelayMessage(new TextEncoder().encode(toRelayMessage('room', long)));
    expect(read.ok && read.value.notification.text.length).toBe(8_000);
    expect(read.ok && { ...read.value.notification, text: long.text }).toEqual(long);
  });

  it.each([
    [202, 'ok'],
    [429, 'retry'],
    [503, 'retry'],
    [400, 'refused'],
  ] as const)('reads an answer of %i as %s', async (status, outcome) => {
    const channel = createRelayChannel({ swarm: '', post: async () => ({ status }) });
    const result = await channel.notify(notificationOf(), new AbortController().signal);
    expect(result.ok ? 'ok' : result.error.code).toBe(outcome);
  });

  it('a time out of hand is the outbox’s: a post that rejects is a retry', async () => {
    const channel = createRelayChannel({ swarm: '', post: () => Promise.reject(new Error('offline')) });
    const time = createTestTime();
    const outbox = createOutbox(
      { ...time, channel },
      { ...defaultOutboxOptions, backoff: [milliseconds(1_000)] },
    );
    outbox.push(notificationOf());
    await time.pass(5_000);
    expect(outbox.state()).toMatchObject({ lost: 1, problem: 'host: offline' });
  });
});
