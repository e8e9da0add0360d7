import { type FormEvent, useState } from 'react';
import { useApp } from '../../../hooks/useApp.ts';
import { useNotify } from '../../../hooks/useNotify.ts';
import { Button } from '../../../kit/Button.tsx';
import { Dialog } from '../../../kit/Dialog.tsx';
import { Field } from '../../../kit/Field.tsx';
import { useAct } from '../useAct.ts';

export const MoveWalletDialog = ({ onClose }: { readonly onClose: () => void }) => {
  const { commands } = useApp();
  const notify = useNotify();
  const [key, setKey] = useState('');
  const { busy, error, setError, act } = useAct();
  const move = async (event: FormEvent) => {
    event.preventDefault();
    if (key.trim() === '') return setError('Paste or type the recovery key that you saved.');
    if (!(await act(() => commands.moveWalletHere(key.trim())))) return;
    onClose();
    notify({ text: 'This device signs for your account as soon as that is final.' });
  };
  return (
    <Dialog title="Move the wallet here" onClose={onClose}>
      <form className="wallet-form" onSubmit={move}>
        <p className="quiet">
          From then on this device signs, and the other one can only look. What the other one signed and is
          not final yet may be refused. The same way leads back.
        </p>
        <Field
          label="Recovery key"
          error={error}
          hint="It is used once, here, and not kept. Nobody will ever ask you for it."
        >
          {(ids) => (
            <textarea
              {...ids}
              className="input mono"
              rows={3}
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
            Leave it there
          </Button>
          <Button look="primary" submit disabled={busy}>
            {busy ? 'Moving…' : 'Move it here'}
          </Button>
        </div>
      </form>
    </Dialog>
  );
};
