import { type FormEvent, useState } from 'react';
import type { AlertRule } from '../../../../app/telemetryView.ts';
import { attempt } from '../../../hooks/attempt.ts';
import { useAct } from '../../../hooks/useAct.ts';
import { useApp, useStore } from '../../../hooks/useApp.ts';
import { useNotify } from '../../../hooks/useNotify.ts';
import { Button } from '../../../kit/Button.tsx';
import { Dialog } from '../../../kit/Dialog.tsx';
import { Field, Switch, TextInput } from '../../../kit/Field.tsx';
import { Notice } from '../../../kit/Notice.tsx';
import { unitOfName } from '../../../kit/units.ts';
import { severityWords } from './alertWords.ts';
import {
  conditionInWords,
  fieldsOf,
  type MetricWords,
  selectorsOf,
  withTyped,
  written,
} from './conditionFields.ts';

const useDescribe = () => {
  const { commands } = useApp();
  // A rule may name some series of a metric: `rpc_seconds{outcome!="ok"}`.
  return (selector: string): MetricWords => {
    const metric = selector.replace(/\{.*$/s, '');
    return commands.describe(metric) ?? { unit: unitOfName(metric), help: metric };
  };
};

export const RulesSection = () => {
  const { models, commands } = useApp();
  const rules = useStore(models.telemetry.rules);
  const notify = useNotify();
  const describe = useDescribe();
  const [editing, setEditing] = useState<AlertRule>();
  const toggle = async (rule: AlertRule, enabled: boolean) => {
    const result = await attempt(() => commands.setRule(rule.id, { enabled }));
    if (!result.ok) notify({ text: result.error, tone: 'bad' });
  };
  return (
    <section className="section" aria-labelledby="rules-title">
      <h2 id="rules-title">Rules</h2>
      {rules.length === 0 ? <p className="quiet">No rule is here yet.</p> : null}
      <ul className="rules">
        {rules.map((rule) => (
          <li key={rule.id}>
            <Switch
              label={rule.title}
              checked={rule.enabled}
              onChange={(enabled) => void toggle(rule, enabled)}
              hint={
                <>
                  {conditionInWords(rule.condition, describe)}. <em>{severityWords[rule.severity]}</em>
                </>
              }
            />
            {fieldsOf(rule.condition, describe).length > 0 ? (
              <Button look="plain" aria-label={`Change ${rule.title}`} onClick={() => setEditing(rule)}>
                Change
              </Button>
            ) : null}
          </li>
        ))}
      </ul>
      {editing ? <RuleDialog rule={editing} onClose={() => setEditing(undefined)} /> : null}
    </section>
  );
};

const RuleDialog = ({ rule, onClose }: { readonly rule: AlertRule; readonly onClose: () => void }) => {
  const { commands } = useApp();
  const notify = useNotify();
  const describe = useDescribe();
  const { busy, error, act } = useAct();
  const [typed, setTyped] = useState<Readonly<Record<string, string>>>({});
  const [errors, setErrors] = useState<Readonly<Record<string, string>>>({});
  const fields = fieldsOf(rule.condition, describe);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const changed = withTyped(rule.condition, fields, typed);
    if (!changed.ok) return setErrors(changed.error);
    setErrors({});
    const { enabled, condition: before } = rule;
    const set = (condition: AlertRule['condition']) => () =>
      commands.setRule(rule.id, { enabled, condition });
    if (!(await act(set(changed.value)))) return;
    onClose();
    notify({
      text: `“${rule.title}” is changed.`,
      action: { label: 'Undo', run: () => void attempt(set(before)) },
    });
  };
  return (
    <Dialog title={rule.title} onClose={onClose}>
      <form className="health-form" onSubmit={(event) => void submit(event)} noValidate>
        <p className="quiet">{conditionInWords(rule.condition, describe)}.</p>
        <p className="quiet">
          {selectorsOf(rule.condition).map((selector) => (
            <code key={selector}>{selector} </code>
          ))}
        </p>
        {fields.map((field) => (
          <Field
            key={field.key}
            label={field.unit ? `${field.label} (${field.unit})` : field.label}
            error={errors[field.key]}
          >
            {(ids) => (
              <TextInput
                {...ids}
                inputMode="decimal"
                autoComplete="off"
                value={typed[field.key] ?? written(field)}
                onChange={(event) => setTyped({ ...typed, [field.key]: event.currentTarget.value })}
              />
            )}
          </Field>
        ))}
        {error ? (
          <Notice tone="bad" title="That did not work.">
            {error}
          </Notice>
        ) : null}
        <div className="bar">
          <span className="grow" />
          <Button look="plain" onClick={onClose}>
            Not now
          </Button>
          <Button look="primary" submit disabled={busy}>
            Change the rule
          </Button>
        </div>
      </form>
    </Dialog>
  );
};
