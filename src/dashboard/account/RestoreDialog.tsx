import { type FormEvent, useState } from 'react';
import { attempt } from '../hooks/attempt.ts';
import { useApp } from '../hooks/useApp.ts';
import { useNotify } from '../hooks/useNotify.ts';
import { Button } from '../kit/Button.tsx';
import { Dialog } from '../kit/Dialog.tsx';
import { Field } from '../kit/Field.tsx';

/** Makes this device part of the account whose recovery key is given. */
export const RestoreDialog = ({ onClose }: { readonly onClose: () => void }) => {
  const { commands } = useApp();
  const notify = useNotify();
  const [key, setKey] = useState('');
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);

  const restore = async (event: FormEvent) => {
    event.preventDefault();
    if (key.trim() === '') return setError('Paste or type the recovery key that you saved.');
    setBusy(true);
    const result = await attempt(() => commands.restoreAccount(key.trim()));
    setBusy(false);
    if (!result.ok) return setError(result.error);
    onClose();
    notify({ text: 'This device now belongs to your account.' });
  };

  return (
    <Dialog title="Restore an account" onClose={onClose}>
      <form className="account-form" onSubmit={restore}>
        <p className="quiet">
          This device leaves the account it has now. If you did not save that one’s recovery key, its credits
          are lost.
        </p>
        <Field label="Recovery key" error={error}>
          {(ids) => (
            <textarea
              {...ids}
              className="input mono"
              rows={4}
              autoComplete="off"
              spellCheck={false}
              value={key}
              onChange={(event) => {
                setKey(event.currentTarget.value);
                setError(undefined);
              }}
            />
          )}
        </Field>
        <div className="bar">
          <span className="grow" />
          <Button look="plain" onClick={onClose}>
            Keep this account
          </Button>
          <Button look="primary" submit disabled={busy}>
            {busy ? 'Restoring…' : 'Restore account'}
          </Button>
        </div>
      </form>
    </Dialog>
  );
};
