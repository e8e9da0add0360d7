import { describe, expect, it } from 'vitest';
import { silentTelemetry, type Telemetry } from '../core/ports/telemetry.ts';
import { openSettings, type SettingsPort } from './settings.ts';

const heard = () => {
  const messages: string[] = [];
  const telemetry: Telemetry = {
    ...silentTelemetry,
    log: (_level, _component, message) => void messages.push(message),
  };
  return { messages, telemetry };
};

/** Tabs over one store, each of which hears what others write. */
const createDevice = () => {
  const state: { stored: unknown; full: boolean } = { stored: undefined, full: false };
  const listeners: (() => void)[] = [];
  const openTab = () => {
    let own = () => {};
    const port: SettingsPort = {
      read: async () => state.stored,
      async update(make) {
        if (state.full) throw new Error('full');
        state.stored = make(state.stored);
        for (const listener of listeners) if (listener !== own) listener();
      },
      onWritten(listener) {
        own = listener;
        listeners.push(listener);
      },
    };
    return openSettings({ port, telemetry: silentTelemetry });
  };
  return { openTab, state };
};

describe('settings', () => {
  it('come back after a reload', async () => {
    const { openTab } = createDevice();
    await (await openTab()).change({ consent: 'use-only', name: 'Kitchen tablet' });
    expect((await openTab()).store.get()).toEqual({ consent: 'use-only', name: 'Kitchen tablet' });
  });

  it('that another tab has changed are not brought back by this one', async () => {
    const { openTab } = createDevice();
    const [one, other] = [await openTab(), await openTab()];
    await one.change({ telemetry: { exportTraces: true }, name: 'Phone' });
    await other.change({ telemetry: { exportTraces: false } });
    await one.change({ theme: 'dark' });
    await other.change({ consent: 'use-only' });
    expect((await openTab()).store.get()).toEqual({
      telemetry: { exportTraces: false },
      name: 'Phone',
      theme: 'dark',
      consent: 'use-only',
    });
  });

  it('of telemetry and looks hold in all tabs at once, how to take part does not', async () => {
    const { openTab } = createDevice();
    const [one, other] = [await openTab(), await openTab()];
    await one.change({ telemetry: { shareMetrics: true }, theme: 'dark', consent: 'use-and-share' });
    await expect.poll(() => other.store.get()).toEqual({ telemetry: { shareMetrics: true }, theme: 'dark' });
    await other.change({ telemetry: { shareMetrics: false } });
    await expect.poll(() => one.store.get().telemetry).toEqual({ shareMetrics: false });
    expect(one.store.get().consent).toBe('use-and-share');
  });

  it('that could not be stored stay, whatever another tab writes, and are stored with the next', async () => {
    const device = createDevice();
    const [one, other] = [await device.openTab(), await device.openTab()];
    device.state.full = true;
    await one.change({ telemetry: { notify: true } });
    device.state.full = false;
    await other.change({ theme: 'light' });
    await expect.poll(() => one.store.get()).toEqual({ telemetry: { notify: true }, theme: 'light' });
    await one.change({ name: 'Phone' });
    expect((await device.openTab()).store.get()).toEqual({
      telemetry: { notify: true },
      theme: 'light',
      name: 'Phone',
    });
  });

  it.each([[{ consent: 'everything' }], ['text'], [{ limits: { cores: -1 } }]])(
    'drops stored values it does not know: %j',
    async (stored) => {
      const { messages, telemetry } = heard();
      const keeper = await openSettings({
        port: { read: async () => stored, update: async () => {}, onWritten: () => {} },
        telemetry,
      });
      expect(keeper.store.get()).toEqual({});
      expect(messages).toHaveLength(1);
    },
  );

  it('take effect although the storage is full, and say so', async () => {
    const { messages, telemetry } = heard();
    const port = { read: async () => undefined, update: () => Promise.reject(new Error('full')) };
    const keeper = await openSettings({ port: { ...port, onWritten: () => {} }, telemetry });
    await keeper.change({ name: 'Phone' });
    expect(keeper.store.get().name).toBe('Phone');
    expect(messages[0]).toContain('full');
  });
});
