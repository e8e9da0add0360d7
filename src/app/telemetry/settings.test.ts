import { describe, expect, it } from 'vitest';
import { parseWith } from '../../core/schema.ts';
import { defaultRetention } from '../../observability/index.ts';
import { defaultRetentionView, telemetrySettingsOf, telemetrySettingsSchema } from './settings.ts';

describe('the switches of telemetry', () => {
  it('let nothing leave the device before its person says yes', () => {
    expect(telemetrySettingsOf()).toEqual({
      metrics: true,
      traces: true,
      logs: true,
      traceSampling: 1,
      shareMetrics: false,
      exportTraces: false,
      notify: false,
      relayAlerts: false,
      charts: [],
    });
  });

  it('keep what was chosen, and are as before where nothing was', () => {
    const { metrics, shareMetrics, exportTraces } = telemetrySettingsOf({
      shareMetrics: true,
      metrics: false,
      exportTraces: undefined,
    });
    expect([metrics, shareMetrics, exportTraces]).toEqual([false, true, false]);
  });

  it('are refused as a whole where they are damaged: consent is never guessed', () => {
    expect(parseWith(telemetrySettingsSchema, { shareMetrics: 'true' }).ok).toBe(false);
    expect(parseWith(telemetrySettingsSchema, { traceSampling: 1.5 }).ok).toBe(false);
    expect(parseWith(telemetrySettingsSchema, { traceSampling: Number.NaN }).ok).toBe(false);
    expect(parseWith(telemetrySettingsSchema, {}).ok).toBe(true);
  });

  it('show the retention that the store begins with', () => {
    expect(defaultRetentionView).toEqual(defaultRetention);
  });
});
