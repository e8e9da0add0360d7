import { type FormEvent, useState } from 'react';
import { attempt } from '../../../hooks/attempt.ts';
import { useApp } from '../../../hooks/useApp.ts';
import { Button } from '../../../kit/Button.tsx';
import { Field, TextInput } from '../../../kit/Field.tsx';

/** Opens what was asked for only when it was found: an error belongs to the box it was typed into. */
export const SearchForm = ({ onOpen }: { readonly onOpen: (item: string) => void }) => {
  const { commands } = useApp();
  const [query, setQuery] = useState('');
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);
  const search = async (event: FormEvent) => {
    event.preventDefault();
    if (query.trim() === '') return setError('Paste an id, or write the height of a block.');
    setBusy(true);
    const found = await attempt(() => commands.openLedgerItem(query.trim()));
    setBusy(false);
    if (found.ok) onOpen(found.value.id);
    else setError(found.error);
  };
  return (
    <search>
      <form className="log-search" onSubmit={search} noValidate>
        <Field
          label="Find in the ledger"
          error={error}
          hint="The id of an operation, block, account, proposal or order, or its beginning; or a height."
        >
          {(ids) => (
            <div className="recipient-line">
              <TextInput
                {...ids}
                type="search"
                className="mono"
                autoComplete="off"
                autoCapitalize="none"
                spellCheck={false}
                maxLength={200}
                value={query}
                onChange={(event) => {
                  setQuery(event.currentTarget.value);
                  setError(undefined);
                }}
              />
              <Button icon="search" submit disabled={busy}>
                Find
              </Button>
            </div>
          )}
        </Field>
      </form>
    </search>
  );
};
