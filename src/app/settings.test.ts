import { describe, expect, it } from 'vitest';
import { silentTelemetry, type Telemetry } from '../core/ports/telemetry.ts';
import { openSettings, type Settings } from './settings.ts';

const heard = () => {
  const messages: string[] = [];
  const telemetry: Telemetry = {
    ...silentTelemetry,
    log: (_level, _component, message) => void messages.push(message),
  };
  return { messages, telemetry };
};

describe('settings', () => {
  it('come back after a reload', async () => {
    let kept: unknown;
    const port = {
      read: async () => kept,
      write: async (settings: Settings) => {
        kept = settings;
      },
    };
    const { telemetry } = heard();
    const first = await openSettings({ port, telemetry });
    await first.change({ consent: 'use-only', name: 'Kitchen tablet' });
    const second = await openSettings({ port, telemetry });
    expect(second.store.get()).toEqual({ consent: 'use-only', name: 'Kitchen tablet' });
  });

  it.each([[{ consent: 'everything' }], ['text'], [{ limits: { cores: -1 } }]])(
    'drops stored values it does not know: %j',
    async (stored) => {
      const { messages, telemetry } = heard();
      const keeper = await openSettings({
        port: { read: async () => stored, write: async () => {} },
        telemetry,
      });
      expect(keeper.store.get()).toEqual({});
      expect(messages).toHaveLength(1);
    },
  );

  it('take effect although the storage is full, and say so', async () => {
    const { messages, telemetry } = heard();
    const port = { read: async () => undefined, write: async () => Promise.reject(new Error('full')) };
    const keeper = await openSettings({ port, telemetry });
    await keeper.change({ name: 'Phone' });
    expect(keeper.store.get().name).toBe('Phone');
    expect(messages[0]).toContain('full');
  });
});
