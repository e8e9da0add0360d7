import * as v from 'valibot';
import type { RetentionPolicy, TelemetrySettings } from '../telemetryView.ts';

/** What leaves the device is off until its person says yes; what stays is on. */
const defaults: TelemetrySettings = {
  metrics: true,
  traces: true,
  logs: true,
  traceSampling: 1,
  shareMetrics: false,
  exportTraces: false,
  notify: false,
  relayAlerts: false,
  charts: [],
};

/** As many as there are ever series. */
export const maxCharts = 2_000;

export const telemetrySettingsSchema = v.partial(
  v.object({
    metrics: v.boolean(),
    traces: v.boolean(),
    logs: v.boolean(),
    traceSampling: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
    shareMetrics: v.boolean(),
    exportTraces: v.boolean(),
    notify: v.boolean(),
    relayAlerts: v.boolean(),
    charts: v.pipe(v.array(v.string()), v.maxLength(maxCharts), v.readonly()),
  }),
);

export const telemetrySettingsOf = (
  stored: v.InferOutput<typeof telemetrySettingsSchema> = {},
): TelemetrySettings => ({
  ...defaults,
  ...(Object.fromEntries(
    Object.entries(stored).filter(([, value]) => value !== undefined),
  ) as Partial<TelemetrySettings>),
});

const day = 86_400_000;
/** What is shown until the store has answered; the same as what it begins with. */
export const defaultRetentionView: RetentionPolicy = {
  raw: { maxAgeMs: 7 * day, maxPoints: 10_000 },
  minute: { maxAgeMs: 14 * day },
  hour: { maxAgeMs: 365 * day },
};
