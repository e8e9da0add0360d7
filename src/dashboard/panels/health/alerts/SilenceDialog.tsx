import { type FormEvent, useState } from 'react';
import type { AlertView, Silence } from '../../../../app/telemetryView.ts';
import { useAct } from '../../../hooks/useAct.ts';
import { useApp, useStore } from '../../../hooks/useApp.ts';
import { useNotify } from '../../../hooks/useNotify.ts';
import { Button } from '../../../kit/Button.tsx';
import { Dialog } from '../../../kit/Dialog.tsx';
import { Field, Segmented, TextInput } from '../../../kit/Field.tsx';
import { formatDateTime } from '../../../kit/format.ts';
import { Notice } from '../../../kit/Notice.tsx';
import { ownSilenceError, type SilenceFor, silencedInWords, silenceEnd } from './alertWords.ts';

const durations: readonly { readonly value: SilenceFor; readonly label: string }[] = [
  { value: '1 h', label: '1 h' },
  { value: '8 h', label: '8 h' },
  { value: 'tomorrow', label: 'Tomorrow' },
  { value: 'own', label: 'Own' },
];

/** Nothing is told of what is silenced, but it is still watched and stands in the inbox. */
export const SilenceDialog = ({
  alert,
  onClose,
}: {
  readonly alert: AlertView | undefined;
  readonly onClose: () => void;
}) => {
  const { models, commands, clock } = useApp();
  const notify = useNotify();
  const rules = useStore(models.telemetry.rules);
  const { busy, error, setError, act } = useAct();
  const [what, setWhat] = useState<'rule' | 'group' | 'all'>(alert ? 'rule' : 'all');
  const [choice, setChoice] = useState<SilenceFor>('1 h');
  const [hours, setHours] = useState('');
  const [reason, setReason] = useState('');
  const [hoursError, setHoursError] = useState<string>();
  const match: Silence['match'] =
    !alert || what === 'all' ? 'all' : what === 'rule' ? { rule: alert.rule } : { group: alert.group };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setError(undefined);
    const from = clock.now();
    const until = silenceEnd(choice, hours, from);
    if (until === undefined) return setHoursError(ownSilenceError);
    if (!(await act(() => commands.silence({ match, from, until, reason: reason.trim() })))) return;
    onClose();
    const words = silencedInWords(match, (id) => rules.find((rule) => rule.id === id)?.title);
    notify({ text: `${words} is silent until ${formatDateTime(until)}.` });
  };
  return (
    <Dialog title="Silence" onClose={onClose}>
      <form className="health-form" onSubmit={(event) => void submit(event)} noValidate>
        {alert ? (
          <Segmented
            label="What is silenced"
            value={what}
            onChange={setWhat}
            options={[
              { value: 'rule', label: 'This rule' },
              { value: 'group', label: `All of ${alert.group}` },
              { value: 'all', label: 'Everything' },
            ]}
          />
        ) : (
          <p className="quiet">
            Every alert, whatever it is about. They are still watched and stand in the inbox.
          </p>
        )}
        <Segmented label="For how long" value={choice} onChange={setChoice} options={durations} />
        {choice === 'own' ? (
          <Field label="Hours" error={hoursError}>
            {(ids) => (
              <TextInput
                {...ids}
                inputMode="decimal"
                value={hours}
                onChange={(event) => {
                  setHours(event.currentTarget.value);
                  setHoursError(undefined);
                }}
              />
            )}
          </Field>
        ) : null}
        <Field label="Why" hint="For whoever wonders later. May stay empty.">
          {(ids) => (
            <TextInput
              {...ids}
              maxLength={200}
              value={reason}
              onChange={(event) => setReason(event.currentTarget.value)}
            />
          )}
        </Field>
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
            Silence
          </Button>
        </div>
      </form>
    </Dialog>
  );
};
