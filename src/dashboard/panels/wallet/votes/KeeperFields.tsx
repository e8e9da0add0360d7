import { type ChangeEvent, useRef, useState } from 'react';
import { Button } from '../../../kit/Button.tsx';
import { Field, Segmented } from '../../../kit/Field.tsx';
import { shortId } from '../../../kit/format.ts';
import { placeInWords } from '../words.ts';
import type { FieldsProps } from './ActionFields.tsx';
import { agreementOf } from './voteWords.ts';

const changes = [
  { value: 'come', label: 'Somebody comes' },
  { value: 'leave', label: 'Three leave' },
] as const;

/** Who comes signed the whole proposal, words and all; who leaves is asked nothing. */
export const KeeperFields = (props: FieldsProps) => (
  <>
    <p className="small quiet">
      {props.keepers.length === 1
        ? 'One keeper orders the ledger now'
        : `${props.keepers.length} keepers order the ledger now`}
      : {agreementOf(props.keepers.length)}. A vote exchanges one, or has three more or three fewer. Two
      thirds must be for it.
    </p>
    <Segmented
      label="What changes"
      options={changes}
      value={props.draft.keepers}
      onChange={(keepers) => props.onChange({ keepers })}
    />
    {props.draft.keepers === 'come' ? <NewcomerField {...props} /> : <LeavingField {...props} />}
  </>
);

const NewcomerField = ({ draft, problems, onChange }: FieldsProps) => {
  const browse = useRef<HTMLInputElement>(null);
  const [unread, setUnread] = useState<string>();
  const open = async (event: ChangeEvent<HTMLInputElement>) => {
    const files = [...(event.currentTarget.files ?? [])];
    event.currentTarget.value = '';
    const large = files.find(({ size }) => size > mostBytes);
    setUnread(large && `${large.name} is too large for such a file.`);
    if (large) return;
    const texts = await Promise.all(files.map((file) => file.text()));
    onChange({ candidates: texts.join('\n') });
  };
  return (
    <Field
      label="What the newcomer’s keeper wrote"
      error={problems.candidates ?? unread}
      hint="Who runs that keeper finds it at /ledger/candidate of its address, or in the .candidate.json that npm run keeper wrote. It holds until the epoch ends. Three newcomers: paste all three, one after the other."
    >
      {(ids) => (
        <>
          <textarea
            {...ids}
            className="input mono"
            rows={5}
            spellCheck={false}
            autoComplete="off"
            maxLength={mostBytes}
            value={draft.candidates}
            onChange={(event) => onChange({ candidates: event.currentTarget.value })}
          />
          <input
            ref={browse}
            type="file"
            className="unseen"
            tabIndex={-1}
            aria-label="Files of newcomers"
            accept=".json,application/json"
            multiple
            onChange={(event) => void open(event)}
          />
          <span>
            <Button onClick={() => browse.current?.click()}>Open its file</Button>
          </span>
        </>
      )}
    </Field>
  );
};

const LeavingField = ({ draft, problems, keepers, onChange }: FieldsProps) => (
  <fieldset className="field leaving">
    <legend>Who leaves</legend>
    {keepers.map(({ key, name, url }) => (
      <label key={key} className="leaving-keeper">
        <input
          type="checkbox"
          checked={draft.leaving.includes(key)}
          onChange={({ currentTarget: { checked } }) =>
            onChange({
              leaving: checked ? [...draft.leaving, key] : draft.leaving.filter((one) => one !== key),
            })
          }
        />
        <span>
          {name} <span className="quiet small">{placeInWords(url)}</span>{' '}
          <span className="quiet small mono">{shortId(key)}</span>
        </span>
      </label>
    ))}
    {problems.leaving ? (
      <p className="field-hint field-error" role="alert">
        {problems.leaving}
      </p>
    ) : (
      <p className="field-hint">
        {keepers.length < 4
          ? 'So few can’t become fewer. To have one leave, somebody must come in its place.'
          : 'To have one leave, somebody must come in its place.'}
      </p>
    )}
  </fieldset>
);

const mostBytes = 60_000;
