import { useState } from 'react';
import { attempt } from '../hooks/attempt.ts';
import { useApp } from '../hooks/useApp.ts';
import { useNotify } from '../hooks/useNotify.ts';
import { Dialog } from '../kit/Dialog.tsx';
import { noKeyTyped, RecoveryKeyForm } from './RecoveryKeyForm.tsx';

/** Makes this device part of the account whose recovery key is given. */
export const RestoreDialog = ({ onClose }: { readonly onClose: () => void }) => {
  const { commands } = useApp();
  const notify = useNotify();
  const [key, setKey] = useState('');
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);

  const restore = async (typed: string) => {
    if (typed === '') return setError(noKeyTyped);
    setBusy(true);
    const result = await attempt(() => commands.restoreAccount(typed));
    setBusy(false);
    if (!result.ok) return setError(result.error);
    onClose();
    notify({ text: 'This device now belongs to your account.' });
  };

  return (
    <Dialog title="Restore an account" onClose={onClose}>
      <RecoveryKeyForm
        value={key}
        error={error}
        busy={busy}
        words={{ leave: 'Keep this account', go: 'Restore account', going: 'Restoring…' }}
        onChange={(text) => {
          setKey(text);
          setError(undefined);
        }}
        onKey={restore}
        onClose={onClose}
      >
        This device leaves the account it has now. If you did not save that one’s recovery key, its credits
        are lost.
      </RecoveryKeyForm>
    </Dialog>
  );
};
