import { useState } from 'react';
import type { HostTelemetry } from '../../../../app/telemetryView.ts';
import { attempt } from '../../../hooks/attempt.ts';
import { useApp, useStore } from '../../../hooks/useApp.ts';
import { Field } from '../../../kit/Field.tsx';
import { formatMeasured } from '../../../kit/units.ts';
import { SettingSwitch } from '../SettingSwitch.tsx';

/** What is measured, and what of it leaves this device: off until somebody says yes. */
export const PrivacySection = () => {
  const { models } = useApp();
  const host = useStore(models.telemetry.host);
  return (
    <section className="section" aria-labelledby="privacy-title">
      <h2 id="privacy-title">What is measured</h2>
      <p className="quiet">Nothing of it leaves this device unless you switch it on below.</p>
      <SettingSwitch setting="metrics" />
      <SettingSwitch setting="traces" />
      <Sampling />
      <SettingSwitch setting="logs" />
      <h3>What leaves this device</h3>
      <SettingSwitch setting="shareMetrics" />
      <SettingSwitch setting="exportTraces" disabled={!host?.collector} />
      <SettingSwitch setting="relayAlerts" disabled={!host || host.channels.length === 0} />
      <p className="small quiet">{hostInWords(host)}</p>
      <h3>What interrupts you</h3>
      <SettingSwitch setting="notify" />
    </section>
  );
};

/** Why a switch can't be had here. */
const hostInWords = (host: HostTelemetry | undefined): string => {
  if (!host) return 'This host has not said yet what it offers.';
  const lacks = [
    ...(host.collector ? [] : ['takes no traces']),
    ...(host.channels.length > 0 ? [] : ['tells nobody of alerts']),
  ];
  return lacks.length === 0 ? '' : `This host ${lacks.join(' and ')}.`;
};

const Sampling = () => {
  const { models, commands } = useApp();
  const { traceSampling, traces } = useStore(models.telemetry.settings);
  const [error, setError] = useState<string>();
  const [dragged, setDragged] = useState<number>();
  const shown = dragged ?? traceSampling;
  const commit = async () => {
    if (dragged === undefined) return;
    setError(undefined);
    const result = await attempt(() => commands.setTelemetry({ traceSampling: dragged }));
    if (!result.ok) setError(result.error);
    setDragged(undefined);
  };
  return (
    <Field
      label={`Traces that are kept: ${formatMeasured(shown, 'ratio')}`}
      hint="Those that failed are always kept. More shows more, and needs more storage."
      error={error}
    >
      {(ids) => (
        <input
          {...ids}
          type="range"
          min={0}
          max={100}
          step={5}
          disabled={!traces}
          value={Math.round(shown * 100)}
          aria-valuetext={formatMeasured(shown, 'ratio')}
          onChange={(event) => setDragged(Number(event.currentTarget.value) / 100)}
          onPointerUp={() => void commit()}
          onKeyUp={() => void commit()}
          onBlur={() => void commit()}
        />
      )}
    </Field>
  );
};
