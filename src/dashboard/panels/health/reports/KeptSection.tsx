import { type FormEvent, useState } from 'react';
import { ok } from '../../../../core/result.ts';
import { attempt } from '../../../hooks/attempt.ts';
import { useAct } from '../../../hooks/useAct.ts';
import { useApp, useStore } from '../../../hooks/useApp.ts';
import { useNotify } from '../../../hooks/useNotify.ts';
import { Button } from '../../../kit/Button.tsx';
import { ConfirmDialog } from '../../../kit/ConfirmDialog.tsx';
import { Facts } from '../../../kit/Facts.tsx';
import { Field, TextInput } from '../../../kit/Field.tsx';
import { formatBytes, formatInteger } from '../../../kit/format.ts';
import { Notice } from '../../../kit/Notice.tsx';
import { dropWords, type RetentionTyped, retentionOf, typedRetention } from './reportWords.ts';

/** What is stored, for how long, what was not taken, and the way to forget it all. */
export const KeptSection = () => {
  const { models, commands } = useApp();
  const state = useStore(models.telemetry.analytics);
  const dropped = Object.entries(useStore(models.telemetry.dropped)).filter(([, count]) => count > 0);
  const [asking, setAsking] = useState(false);
  return (
    <section className="section" aria-labelledby="kept-title">
      <h2 id="kept-title">What is kept</h2>
      <Facts
        facts={[
          { term: 'Series', value: formatInteger(state.series) },
          { term: 'Points', value: formatInteger(state.points) },
          { term: 'Storage', value: formatBytes(state.bytes) },
          { term: 'Memory', value: formatBytes(state.memoryBytes) },
          {
            term: 'Not taken',
            value:
              dropped.length === 0
                ? 'nothing'
                : formatInteger(dropped.reduce((sum, [, count]) => sum + count, 0)),
            hint: 'since this tab opened',
          },
          ...dropped.map(([reason, count]) => ({
            term: dropWords[reason] ?? reason,
            value: formatInteger(count),
          })),
          ...(state.dropped > 0
            ? [
                {
                  term: 'Not written',
                  value: formatInteger(state.dropped),
                  hint: state.problem ?? 'The storage could not keep up',
                },
              ]
            : []),
        ]}
      />
      <RetentionForm />
      <div>
        <Button look="danger" icon="trash" onClick={() => setAsking(true)} disabled={state.points === 0}>
          Forget all of it
        </Button>
      </div>
      {asking ? (
        <ConfirmDialog
          title="Forget all that was measured?"
          facts={[
            { term: 'Series', value: formatInteger(state.series) },
            { term: 'Points', value: formatInteger(state.points) },
          ]}
          confirm="Forget all of it"
          danger
          working="Forgetting…"
          done="What was measured is forgotten."
          onConfirm={async () => {
            await commands.forgetAnalytics();
            return ok(undefined);
          }}
          onClose={() => setAsking(false)}
        >
          This can’t be undone. Save it as a file first if you may want it again. Jobs, texts and credits
          stay; measuring begins anew.
        </ConfirmDialog>
      ) : null}
    </section>
  );
};

const boxes: readonly { readonly key: keyof RetentionTyped; readonly label: string }[] = [
  { key: 'rawDays', label: 'Every value, days' },
  { key: 'rawPoints', label: 'at most, points per series' },
  { key: 'minuteDays', label: 'Per minute, days' },
  { key: 'hourDays', label: 'Per hour, days' },
];

const RetentionForm = () => {
  const { models, commands } = useApp();
  const notify = useNotify();
  const policy = useStore(models.telemetry.retention);
  const [changes, setChanges] = useState<Partial<RetentionTyped>>({});
  const [errors, setErrors] = useState<Partial<RetentionTyped>>({});
  const { busy, error, act } = useAct();
  const typed = { ...typedRetention(policy), ...changes };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const next = retentionOf(typed);
    if (!next.ok) return setErrors(next.error);
    setErrors({});
    if (!(await act(() => commands.setRetention(next.value)))) return;
    setChanges({});
    notify({
      text: 'What is kept is changed. What is older goes with the next tidying.',
      action: { label: 'Undo', run: () => void attempt(() => commands.setRetention(policy)) },
    });
  };
  return (
    <form className="health-form" onSubmit={(event) => void submit(event)} noValidate>
      <div className="form-row">
        {boxes.map(({ key, label }) => (
          <Field key={key} label={label} error={errors[key]}>
            {(ids) => (
              <TextInput
                {...ids}
                inputMode="decimal"
                autoComplete="off"
                value={typed[key]}
                onChange={(event) => setChanges({ ...changes, [key]: event.currentTarget.value })}
              />
            )}
          </Field>
        ))}
      </div>
      {error ? (
        <Notice tone="bad" title="That did not work.">
          {error}
        </Notice>
      ) : null}
      <div>
        <Button submit disabled={busy || Object.keys(changes).length === 0}>
          Keep it for so long
        </Button>
      </div>
    </form>
  );
};
