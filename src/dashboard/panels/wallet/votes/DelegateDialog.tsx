import { type FormEvent, useState } from 'react';
import type { GovernanceView } from '../../../../app/readModels.ts';
import type { AccountId } from '../../../../core/brand.ts';
import { useAct } from '../../../hooks/useAct.ts';
import { useApp, useStore } from '../../../hooks/useApp.ts';
import { useNotify } from '../../../hooks/useNotify.ts';
import { Button } from '../../../kit/Button.tsx';
import { Dialog } from '../../../kit/Dialog.tsx';
import { RecipientField } from '../RecipientField.tsx';
import { peopleHere, readAccount } from '../words.ts';

export const DelegateDialog = ({
  governance,
  account,
  onClose,
}: {
  readonly governance: GovernanceView;
  readonly account: AccountId;
  readonly onClose: () => void;
}) => {
  const { models, commands } = useApp();
  const notify = useNotify();
  const people = peopleHere(useStore(models.peers), account);
  const [to, setTo] = useState('');
  const { busy, error, setError, act } = useAct();
  const read = readAccount(to);
  const put = async (delegate: string | undefined, done: string) => {
    if (!(await act(() => commands.delegateTo(delegate)))) return;
    onClose();
    notify({ text: done });
  };
  const give = (event: FormEvent) => {
    event.preventDefault();
    if (!read.ok) return setError(read.error);
    if (read.value === account) return setError('That is your own account: you vote for yourself already.');
    void put(read.value, 'Signed: counts for votes that begin after it is final.');
  };
  return (
    <Dialog title="Who votes with your power" onClose={onClose}>
      <form className="wallet-form" onSubmit={give} noValidate>
        <p className="quiet">
          They vote with your power in proposals whose voting begins from now on. Your money stays yours. They
          can’t pass it on, and where you vote yourself, only your own vote counts.
        </p>
        <RecipientField
          label="Who"
          value={to}
          error={error}
          people={people}
          chosen={read.ok ? people.find((person) => person.account === read.value) : undefined}
          onChange={(text) => {
            setTo(text);
            setError(undefined);
          }}
        />
        <div className="bar">
          {governance.delegate ? (
            <Button
              look="plain"
              disabled={busy}
              onClick={() => void put(undefined, 'Signed: you vote for yourself again.')}
            >
              Vote for yourself again
            </Button>
          ) : null}
          <span className="grow" />
          <Button look="primary" submit disabled={busy}>
            {busy ? 'Signing…' : 'Let them vote for you'}
          </Button>
        </div>
      </form>
    </Dialog>
  );
};
