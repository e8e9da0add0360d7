import * as v from 'valibot';
import { createStore, type Store } from '../core/events.ts';
import type { Telemetry } from '../core/ports/telemetry.ts';
import { parseWith } from '../core/schema.ts';
import type { Consent } from './readModels.ts';
import { telemetrySettingsSchema } from './telemetry/settings.ts';

const consents = ['use-and-share', 'use-only', 'share-only', 'this-device-only'] as const satisfies Consent[];

const settingsSchema = v.object({
  consent: v.optional(v.picklist(consents)),
  name: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(40))),
  limits: v.optional(
    v.object({
      cores: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(256)),
      gpu: v.boolean(),
      onlyWhenCharging: v.boolean(),
      paused: v.boolean(),
    }),
  ),
  /** The room last used, so that opening the plain address goes back to it. A link in the address wins. */
  roomSecret: v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{22}$/))),
  /** Who founded it, if it is a private swarm. */
  roomFounder: v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/))),
  theme: v.optional(v.picklist(['system', 'light', 'dark'])),
  telemetry: v.optional(telemetrySettingsSchema),
});
export type Settings = v.InferOutput<typeof settingsSchema>;

/** Where one record is kept; the browser's adapter writes IndexedDB, a private window has memory only. */
export interface SettingsPort {
  read(): Promise<unknown>;
  /** Makes what is stored of what is stored: no other tab writes in between. */
  update(make: (stored: unknown) => Settings): Promise<void>;
  /** After another tab of this device has written. */
  onWritten(listener: () => void): void;
}

export interface SettingsKeeper {
  readonly store: Store<Settings>;
  /** Takes effect at once; a storage that can't keep it is reported and the value lasts as long as the tab. */
  change(change: Partial<Settings>): Promise<void>;
}

/**
 * Settings of this device. Damaged or foreign stored values are dropped, never guessed at. Tabs change what they change and no
 * more, and what was decided about telemetry and looks in one of them holds in all: a consent that is taken back is taken back.
 * How a tab takes part, and in which room, is its own until it is opened again.
 */
export const openSettings = async (deps: {
  readonly port: SettingsPort;
  readonly telemetry: Telemetry;
}): Promise<SettingsKeeper> => {
  const { port, telemetry } = deps;
  const store = createStore<Settings>(await readSettings(deps));
  /** What was changed here and is not stored. */
  let unsaved: Partial<Settings> = {};
  const follow = async () => {
    const stored = readable(await port.read().catch(() => undefined));
    if (!stored) return;
    const { telemetry: set = {}, theme = 'system' } = stored;
    store.set({ ...store.get(), telemetry: set, theme, ...unsaved });
  };
  port.onWritten(() => void follow());
  return {
    store,
    async change(change) {
      store.set({ ...store.get(), ...change });
      unsaved = { ...unsaved, ...change };
      const mine = unsaved;
      try {
        await port.update((stored) => ({ ...(readable(stored) ?? store.get()), ...mine }));
        if (unsaved === mine) unsaved = {};
      } catch (cause) {
        telemetry.log('warn', 'settings', `settings last only as long as this tab: ${String(cause)}`);
      }
    },
  };
};

const readable = (stored: unknown): Settings | undefined => {
  const parsed = parseWith(settingsSchema, stored);
  return parsed.ok ? parsed.value : undefined;
};

const readSettings = async (deps: Parameters<typeof openSettings>[0]): Promise<Settings> => {
  try {
    const stored = await deps.port.read();
    if (stored === undefined) return {};
    const parsed = parseWith(settingsSchema, stored);
    if (parsed.ok) return parsed.value;
    deps.telemetry.log('warn', 'settings', `stored settings were not readable: ${parsed.error.message}`);
  } catch (cause) {
    deps.telemetry.log('warn', 'settings', `settings could not be read: ${String(cause)}`);
  }
  return {};
};
