import { type FormEvent, useState } from 'react';
import type { GovernanceAction, GovernanceView, ParameterView } from '../../../../app/readModels.ts';
import { useAct } from '../../../hooks/useAct.ts';
import { useApp } from '../../../hooks/useApp.ts';
import { useNotify } from '../../../hooks/useNotify.ts';
import { Button } from '../../../kit/Button.tsx';
import { Dialog } from '../../../kit/Dialog.tsx';
import { type Fact, Facts } from '../../../kit/Facts.tsx';
import { Field, Segmented } from '../../../kit/Field.tsx';
import { asSentence, formatVc } from '../../../kit/format.ts';
import { Notice } from '../../../kit/Notice.tsx';
import { DialogStep } from '../DialogStep.tsx';
import { ActionFields } from './ActionFields.tsx';
import {
  type DraftProblems,
  type ProposalDraft,
  parameterName,
  readAction,
  valueInWords,
} from './voteWords.ts';

const blank: ProposalDraft = {
  kind: 'parameter',
  description: '',
  parameter: '',
  value: '',
  to: '',
  amount: '',
  hash: '',
  url: '',
};
const kinds = [
  { value: 'parameter', label: 'Set a value' },
  { value: 'treasury', label: 'Grant' },
  { value: 'upgrade', label: 'New version' },
] as const;

/** What is to change, and why; then what proposing it costs. */
export const ProposeDialog = ({
  governance,
  onClose,
}: {
  readonly governance: GovernanceView;
  readonly onClose: () => void;
}) => {
  const { commands } = useApp();
  const notify = useNotify();
  const [draft, setDraft] = useState(blank);
  const [problems, setProblems] = useState<DraftProblems>({});
  const [action, setAction] = useState<GovernanceAction>();
  const { busy, error, setError, act } = useAct();
  const set = (change: Partial<ProposalDraft>) => {
    setDraft((current) => ({ ...current, ...change }));
    setProblems({});
  };
  const description = draft.description.trim();
  const check = (event: FormEvent) => {
    event.preventDefault();
    const read = readAction(draft, governance);
    setProblems({
      ...(read.ok ? {} : read.error),
      ...(description === '' ? { description: 'Say what it is good for: others decide by it.' } : {}),
    });
    setError(undefined);
    if (read.ok && description !== '') setAction(read.value);
  };
  const propose = async (actions: readonly GovernanceAction[]) => {
    if (!(await act(() => commands.propose({ description, actions })))) return;
    onClose();
    notify({ text: 'Signed: your proposal stands here when it is final.' });
  };
  return (
    <Dialog title={action ? 'Propose this?' : 'Propose'} onClose={onClose}>
      <DialogStep name={action ? 'confirm' : 'write'}>
        {action ? (
          <>
            <Facts
              facts={[
                { term: 'Why', value: description },
                ...actionFacts(action, governance.parameters),
                {
                  term: 'Put down',
                  value: formatVc(governance.deposit),
                  hint: 'locked until it is decided',
                },
              ]}
            />
            {error ? (
              <Notice tone="bad" title="It was not proposed.">
                {error}
              </Notice>
            ) : null}
            <div className="bar">
              <Button look="plain" icon="back" onClick={() => setAction(undefined)} disabled={busy}>
                Back
              </Button>
              <span className="grow" />
              <Button look="primary" onClick={() => void propose([action])} disabled={busy}>
                {busy ? 'Signing…' : 'Propose it'}
              </Button>
            </div>
          </>
        ) : (
          <form className="wallet-form" onSubmit={check} noValidate>
            <Segmented
              label="What kind"
              options={kinds}
              value={draft.kind}
              onChange={(kind) => set({ kind })}
            />
            <ActionFields draft={draft} problems={problems} governance={governance} onChange={set} />
            <Field label="Why" error={problems.description} hint="Everybody reads it before they vote.">
              {(ids) => (
                <textarea
                  {...ids}
                  className="input"
                  rows={3}
                  maxLength={500}
                  value={draft.description}
                  onChange={(event) => set({ description: event.currentTarget.value })}
                />
              )}
            </Field>
            <div className="bar">
              <span className="grow" />
              <Button look="plain" onClick={onClose}>
                Cancel
              </Button>
              <Button look="primary" submit>
                Go on
              </Button>
            </div>
          </form>
        )}
      </DialogStep>
    </Dialog>
  );
};

const actionFacts = (action: GovernanceAction, parameters: readonly ParameterView[]): readonly Fact[] => {
  switch (action.kind) {
    case 'parameter': {
      const parameter = parameters.find(({ name }) => name === action.name);
      return parameter
        ? [
            { term: 'Setting', value: parameterName(parameter.name), hint: asSentence(parameter.meaning) },
            {
              term: 'New value',
              value: valueInWords(parameter, action.value),
              hint: `now ${valueInWords(parameter, parameter.value)}`,
            },
          ]
        : [{ term: 'Setting', value: action.name }];
    }
    case 'treasury':
      return [
        { term: 'Grant', value: formatVc(action.amount) },
        { term: 'To', value: <span className="mono">{action.to}</span> },
      ];
    case 'upgrade':
      return [
        { term: 'Build', value: <span className="mono">{action.hash}</span> },
        ...(action.url === '' ? [] : [{ term: 'Where', value: action.url }]),
      ];
    default:
      return action satisfies never;
  }
};
