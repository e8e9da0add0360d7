import { useState } from 'react';
import { noKeyTyped, RecoveryKeyForm } from '../../../account/RecoveryKeyForm.tsx';
import { useAct } from '../../../hooks/useAct.ts';
import { useApp } from '../../../hooks/useApp.ts';
import { useNotify } from '../../../hooks/useNotify.ts';
import { Dialog } from '../../../kit/Dialog.tsx';

export const MoveWalletDialog = ({ onClose }: { readonly onClose: () => void }) => {
  const { commands } = useApp();
  const notify = useNotify();
  const [key, setKey] = useState('');
  const { busy, error, setError, act } = useAct();
  const move = async (typed: string) => {
    if (typed === '') return setError(noKeyTyped);
    if (!(await act(() => commands.moveWalletHere(typed)))) return;
    onClose();
    notify({ text: 'This device signs for your account as soon as that is final.' });
  };
  return (
    <Dialog title="Move the wallet here" onClose={onClose}>
      <RecoveryKeyForm
        value={key}
        error={error}
        hint="It is used once, here, and not kept. Nobody will ever ask you for it."
        busy={busy}
        words={{ leave: 'Leave it there', go: 'Move it here', going: 'Moving…' }}
        onChange={(text) => {
          setKey(text);
          setError(undefined);
        }}
        onKey={move}
        onClose={onClose}
      >
        From then on this device signs, and the other one can only look. What the other one signed and is not
        final yet may be refused. The same way leads back.
      </RecoveryKeyForm>
    </Dialog>
  );
};
