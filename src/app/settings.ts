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
  write(settings: Settings): Promise<void>;
}

export interface SettingsKeeper {
  readonly store: Store<Settings>;
  /** Takes effect at once; a storage that can't keep it is reported and the value lasts as long as the tab. */
  change(change: Partial<Settings>): Promise<void>;
}

/** Settings of this device. Damaged or foreign stored values are dropped, never guessed at. */
export const openSettings = async (deps: {
  readonly port: SettingsPort;
  readonly telemetry: Telemetry;
}): Promise<SettingsKeeper> => {
  const store = createStore<Settings>(await readSettings(deps));
  return {
    store,
    async change(change) {
      store.set({ ...store.get(), ...change });
      try {
        await deps.port.write(store.get());
      } catch (cause) {
        deps.telemetry.log('warn', 'settings', `settings last only as long as this tab: ${String(cause)}`);
      }
    },
  };
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
