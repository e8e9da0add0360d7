import { type FormEvent, useState } from 'react';
import { useApp } from '../../hooks/useApp.ts';
import { useNotify } from '../../hooks/useNotify.ts';
import { Button } from '../../kit/Button.tsx';
import { Field, TextInput } from '../../kit/Field.tsx';

const longestName = 40;

export const NameForm = ({ name }: { readonly name: string }) => {
  const { commands } = useApp();
  const notify = useNotify();
  const [draft, setDraft] = useState(name);
  const [error, setError] = useState<string>();
  const save = async (event: FormEvent) => {
    event.preventDefault();
    const next = draft.trim();
    if (next === '') return setError('A name needs at least one character.');
    await commands.rename(next);
    notify({ text: `The room now sees “${next}”.` });
  };
  return (
    <form className="name-form" onSubmit={save}>
      <Field label="Name in the room" error={error}>
        {(ids) => (
          <TextInput
            {...ids}
            value={draft}
            maxLength={longestName}
            autoComplete="off"
            onChange={(event) => {
              setDraft(event.currentTarget.value);
              setError(undefined);
            }}
          />
        )}
      </Field>
      <Button submit disabled={draft.trim() === name}>
        Save name
      </Button>
    </form>
  );
};
