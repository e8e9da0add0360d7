import type { ShareLimits } from '../../../app/readModels.ts';
import { useApp, useStore } from '../../hooks/useApp.ts';
import { Button } from '../../kit/Button.tsx';
import { Field, Switch } from '../../kit/Field.tsx';
import { formatCount } from '../../kit/format.ts';
import { Notice } from '../../kit/Notice.tsx';

/** How much of this device works, for the person and for others. */
export const LimitsSection = () => {
  const { models, commands } = useApp();
  const limits = useStore(models.limits);
  const { profile } = useStore(models.self);
  const most = profile?.cores ?? limits.cores;
  const change = (part: Partial<ShareLimits>) => void commands.setLimits({ ...limits, ...part });
  return (
    <section className="section" aria-labelledby="limits-title">
      <div className="section-head">
        <h2 id="limits-title">Share this much</h2>
        <Button
          icon={limits.paused ? 'play' : 'pause'}
          aria-pressed={limits.paused}
          onClick={() => change({ paused: !limits.paused })}
        >
          {limits.paused ? 'Resume sharing' : 'Pause sharing'}
        </Button>
      </div>
      {limits.paused ? (
        <Notice tone="warn" icon="pause" title="Paused.">
          This device does nothing for others until you resume.
        </Notice>
      ) : null}
      <Field
        label={`Cores: ${formatCount(limits.cores, 'core')} of ${most}`}
        hint="Tabs of this device share them. Fewer keep the device cool and quiet."
      >
        {(ids) => (
          <input
            {...ids}
            type="range"
            min={1}
            max={Math.max(most, limits.cores)}
            step={1}
            value={limits.cores}
            aria-valuetext={formatCount(limits.cores, 'core')}
            onChange={(event) => change({ cores: Number(event.currentTarget.value) })}
          />
        )}
      </Field>
      <Switch
        label="Use the GPU"
        hint={
          profile?.gpu.kind === 'none'
            ? `None was found here: ${profile.gpu.reason}.`
            : 'Where WebGPU measures faster than WASM.'
        }
        checked={limits.gpu}
        onChange={(gpu) => change({ gpu })}
      />
      <Switch
        label="Only when charging"
        hint={
          profile && !profile.battery
            ? 'This browser does not report a battery.'
            : 'On battery, others get nothing.'
        }
        checked={limits.onlyWhenCharging}
        onChange={(onlyWhenCharging) => change({ onlyWhenCharging })}
      />
    </section>
  );
};
