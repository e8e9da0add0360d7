import type { GovernanceView, KeeperView } from '../../../../app/readModels.ts';
import { useApp, useStore } from '../../../hooks/useApp.ts';
import { Field, TextInput } from '../../../kit/Field.tsx';
import { asSentence, formatVc } from '../../../kit/format.ts';
import { RecipientField } from '../RecipientField.tsx';
import { peopleHere, readAccount } from '../words.ts';
import { KeeperFields } from './KeeperFields.tsx';
import {
  type DraftProblems,
  isMoney,
  type ProposalDraft,
  parameterName,
  unitInWords,
  valueInWords,
} from './voteWords.ts';

export type FieldsProps = {
  readonly draft: ProposalDraft;
  readonly problems: DraftProblems;
  readonly governance: GovernanceView;
  readonly keepers: readonly KeeperView[];
  readonly onChange: (change: Partial<ProposalDraft>) => void;
};

/** What each kind of proposal asks for. */
export const ActionFields = (props: FieldsProps) => {
  switch (props.draft.kind) {
    case 'parameter':
      return <ParameterFields {...props} />;
    case 'treasury':
      return <GrantFields {...props} />;
    case 'upgrade':
      return <UpgradeFields {...props} />;
    case 'keepers':
      return <KeeperFields {...props} />;
    default:
      return props.draft.kind satisfies never;
  }
};

const ParameterFields = ({ draft, problems, governance: { parameters }, onChange }: FieldsProps) => {
  const chosen = parameters.find(({ name }) => name === draft.parameter);
  return (
    <>
      <Field
        label="Setting"
        error={problems.parameter}
        hint={chosen ? asSentence(chosen.meaning) : 'Choose what is to be set.'}
      >
        {(ids) => (
          <select
            {...ids}
            className="input setting-choice"
            value={draft.parameter}
            onChange={(event) => onChange({ parameter: event.currentTarget.value, value: '' })}
          >
            <option value="">Choose…</option>
            {parameters.map((parameter) => (
              <option key={parameter.name} value={parameter.name}>
                {parameterName(parameter.name)}: {valueInWords(parameter, parameter.value)}
              </option>
            ))}
          </select>
        )}
      </Field>
      {chosen ? (
        <Field
          label={`New value${unitInWords(chosen) === '' ? '' : `, ${unitInWords(chosen)}`}`}
          error={problems.value}
          hint={`Now ${valueInWords(chosen, chosen.value)}. One step leads from ${valueInWords(chosen, chosen.least)} to ${valueInWords(chosen, chosen.most)}.`}
        >
          {(ids) => (
            <TextInput
              {...ids}
              inputMode={isMoney(chosen) ? 'decimal' : 'numeric'}
              autoComplete="off"
              maxLength={40}
              value={draft.value}
              onChange={(event) => onChange({ value: event.currentTarget.value })}
            />
          )}
        </Field>
      ) : null}
    </>
  );
};

const GrantFields = ({ draft, problems, governance, onChange }: FieldsProps) => {
  const { models } = useApp();
  const own = useStore(models.self).account;
  const people = peopleHere(useStore(models.peers), own);
  const read = readAccount(draft.to);
  return (
    <>
      <RecipientField
        label="To"
        value={draft.to}
        error={problems.to}
        people={people}
        chosen={read.ok ? people.find(({ account }) => account === read.value) : undefined}
        onChange={(to) => onChange({ to })}
      />
      <Field
        label="Amount in VC"
        error={problems.amount}
        hint={`The treasury has ${formatVc(governance.treasury)}; proposals may still take ${formatVc(governance.grantable)} in these 30 days.`}
      >
        {(ids) => (
          <TextInput
            {...ids}
            inputMode="decimal"
            autoComplete="off"
            maxLength={40}
            value={draft.amount}
            onChange={(event) => onChange({ amount: event.currentTarget.value })}
          />
        )}
      </Field>
    </>
  );
};

const UpgradeFields = ({ draft, problems, onChange }: FieldsProps) => (
  <>
    <Field
      label="SHA-256 of the build"
      error={problems.hash}
      hint="Only a build with exactly this hash is meant, wherever it comes from. Two thirds must be for it."
    >
      {(ids) => (
        <textarea
          {...ids}
          className="input mono"
          rows={2}
          spellCheck={false}
          autoComplete="off"
          maxLength={100}
          value={draft.hash}
          onChange={(event) => onChange({ hash: event.currentTarget.value })}
        />
      )}
    </Field>
    <Field label="Where to get it (not needed)" error={problems.url}>
      {(ids) => (
        <TextInput
          {...ids}
          inputMode="url"
          autoComplete="off"
          maxLength={200}
          value={draft.url}
          onChange={(event) => onChange({ url: event.currentTarget.value })}
        />
      )}
    </Field>
  </>
);
