import { Button } from '../../kit/Button.tsx';
import { Field, TextInput } from '../../kit/Field.tsx';
import { PeerName } from '../../kit/Lantern.tsx';
import type { Person } from './words.ts';

const shownPeople = 8;

/** Whom: an id that is pasted, or somebody who is here. */
export const RecipientField = ({
  label,
  value,
  error,
  people,
  chosen,
  onChange,
  onScan,
}: {
  readonly label: string;
  readonly value: string;
  readonly error: string | undefined;
  readonly people: readonly Person[];
  /** Whom the text names, if that one is here. */
  readonly chosen: Person | undefined;
  readonly onChange: (text: string) => void;
  readonly onScan?: (() => void) | undefined;
}) => (
  <div className="recipient">
    <Field
      label={label}
      error={error}
      hint={
        chosen ? `That is ${chosen.name}, who is here now.` : 'An account id, with or without “aivillage:”.'
      }
    >
      {(ids) => (
        <div className="recipient-line">
          <TextInput
            {...ids}
            className="mono"
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            maxLength={200}
            value={value}
            onChange={(event) => onChange(event.currentTarget.value)}
          />
          {onScan ? (
            <Button icon="camera" onClick={onScan}>
              Scan
            </Button>
          ) : null}
        </div>
      )}
    </Field>
    {people.length > 0 ? (
      <fieldset className="people">
        <legend className="field-hint">Here now</legend>
        {people.slice(0, shownPeople).map((person) => (
          <button
            key={person.account}
            type="button"
            aria-pressed={person.account === chosen?.account}
            onClick={() => onChange(person.account)}
          >
            <PeerName peer={person.lantern} name={person.name} size={20} />
          </button>
        ))}
        {people.length > shownPeople ? (
          <select
            className="input"
            aria-label="Others who are here"
            value=""
            onChange={(event) => onChange(event.currentTarget.value)}
          >
            <option value="">{people.length - shownPeople} more…</option>
            {people.slice(shownPeople).map((person) => (
              <option key={person.account} value={person.account}>
                {person.name}
              </option>
            ))}
          </select>
        ) : null}
      </fieldset>
    ) : null}
  </div>
);
