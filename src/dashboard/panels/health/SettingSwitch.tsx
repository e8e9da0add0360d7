import { useState } from 'react';
import { attempt } from '../../hooks/attempt.ts';
import { useApp, useStore } from '../../hooks/useApp.ts';
import { Switch } from '../../kit/Field.tsx';
import { type SwitchName, settingWords } from './settingWords.ts';

/** One switch of what is measured and what leaves this device; a refusal stands under it. */
export const SettingSwitch = ({
  setting,
  disabled = false,
}: {
  readonly setting: SwitchName;
  readonly disabled?: boolean;
}) => {
  const { models, commands } = useApp();
  const settings = useStore(models.telemetry.settings);
  const [error, setError] = useState<string>();
  const change = async (on: boolean) => {
    setError(undefined);
    const result = await attempt(() => commands.setTelemetry({ [setting]: on }));
    if (!result.ok) setError(result.error);
  };
  const { label, hint } = settingWords[setting];
  return (
    <div className="setting">
      <Switch
        label={label}
        hint={hint}
        checked={settings[setting]}
        // What can't be had here can still be switched off.
        disabled={disabled && !settings[setting]}
        onChange={(on) => void change(on)}
      />
      {error ? (
        <p className="field-hint field-error" role="alert">
          {error}
        </p>
      ) : null}
    </div>
  );
};
