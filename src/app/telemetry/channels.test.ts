import { describe, expect, it } from 'vitest';
import { unwrap } from '../../core/result.ts';
import { type Channel, type Notification, readRelayMessage } from '../../observability/index.ts';
import type { HostTelemetry, TelemetrySettings } from '../telemetryView.ts';
import { alertChannels } from './channels.ts';
import type { Posted } from './host.ts';
import { telemetrySettingsOf } from './settings.ts';

const news: Notification = {
  id: 'n1',
  group: 'work',
  kind: 'firing',
  severity: 'page',
  title: 'Jobs fail',
  text: 'Five of five failed.',
  alerts: [],
  at: 1_000,
};

const channels = (
  settings: Partial<TelemetrySettings>,
  options: { readonly host?: HostTelemetry; readonly answer?: Posted; readonly refused?: string } = {},
) => {
  const state = { settings: { ...telemetrySettingsOf(), ...settings } };
  const posted: { readonly path: string; readonly body: string }[] = [];
  const shown: string[] = [];
  const made = alertChannels({
    settings: () => state.settings,
    host: () => options.host ?? { collector: false, channels: ['webhook'] },
    room: 'r'.repeat(43),
    show: async (title, { tag }) => {
      shown.push(`${tag}: ${title}`);
      return options.refused;
    },
    async post(path, body) {
      posted.push({ path, body });
      return options.answer ?? { status: 202, retryAfterMs: undefined };
    },
  });
  const channel = (id: string): Channel => {
    const found = made.find((one) => one.id === id);
    if (!found) throw new Error(id);
    return found;
  };
  return { state, posted, shown, system: channel('system'), host: channel('host') };
};
const send = (channel: Channel) => channel.notify(news, new AbortController().signal);

describe('the system’s notifications', () => {
  it('are for pages only, and only where the person wants them', async () => {
    const { system, shown } = channels({ notify: true });
    expect(system.wants?.(news)).toBe(true);
    expect(system.wants?.({ ...news, severity: 'ticket' })).toBe(false);
    expect(await send(system)).toMatchObject({ ok: true });
    expect(shown).toEqual(['n1: Jobs fail']);
    expect(channels({}).system.wants?.(news)).toBe(false);
  });

  it('say why they could not be shown', async () => {
    const { system } = channels({ notify: true }, { refused: 'this browser has no notifications' });
    expect(await send(system)).toMatchObject({
      ok: false,
      error: { code: 'refused', message: 'this browser has no notifications' },
    });
  });
});

describe('the host’s channels', () => {
  it('get what the host understands', async () => {
    const { host, posted } = channels({ relayAlerts: true });
    expect(host.wants?.(news)).toBe(true);
    expect(await send(host)).toMatchObject({ ok: true });
    const [{ path, body } = { path: '', body: '' }] = posted;
    expect(path).toBe('/telemetry/alerts');
    expect(unwrap(readRelayMessage(new TextEncoder().encode(body))).notification.title).toBe('Jobs fail');
  });

  it('get what is longer than the host reads cut short: it would refuse all of it', async () => {
    const { host, posted } = channels({ relayAlerts: true });
    const long = { ...news, title: 't'.repeat(400), text: 'x'.repeat(9_000) };
    expect(await host.notify(long, new AbortController().signal)).toMatchObject({ ok: true });
    const read = readRelayMessage(new TextEncoder().encode(posted[0]?.body));
    expect(read).toMatchObject({ ok: true, value: { swarm: 'r'.repeat(43) } });
  });

  it('get nothing without consent: no news, no test, and nothing that waited while it was taken back', async () => {
    const { host, state, posted } = channels({});
    expect(host.wants?.(news)).toBe(false);
    expect(await send(host)).toMatchObject({ ok: false, error: { code: 'refused' } });
    state.settings = { ...state.settings, relayAlerts: true };
    expect(await send(host)).toMatchObject({ ok: true });
    state.settings = { ...state.settings, relayAlerts: false };
    await send(host);
    expect(posted).toHaveLength(1);
  });

  it('are not wanted where the host has none', () => {
    const { host } = channels({ relayAlerts: true }, { host: { collector: true, channels: [] } });
    expect(host.wants?.(news)).toBe(false);
  });

  it.each([
    [429, 'retry', 5_000],
    [503, 'retry', undefined],
    // A phone on a bad network did not get its news through in time.
    [408, 'retry', undefined],
    [400, 'refused', undefined],
    [404, 'refused', undefined],
  ])('that answer %d: %s', async (status, code, retryAfterMs) => {
    const { host } = channels({ relayAlerts: true }, { answer: { status, retryAfterMs } });
    const sent = await send(host);
    expect(sent).toMatchObject({ ok: false, error: { code, message: `the host answered ${status}` } });
    expect(!sent.ok && 'retryAfterMs' in sent.error ? sent.error.retryAfterMs : undefined).toBe(retryAfterMs);
  });
});
