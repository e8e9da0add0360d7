import { useState } from 'react';
import { RecoveryKeyDialog } from '../../account/RecoveryKeyDialog.tsx';
import { RestoreDialog } from '../../account/RestoreDialog.tsx';
import { useApp, useStore } from '../../hooks/useApp.ts';
import { Button } from '../../kit/Button.tsx';
import { Facts } from '../../kit/Facts.tsx';

export const AccountSection = () => {
  const { models } = useApp();
  const self = useStore(models.self);
  const [dialog, setDialog] = useState<'key' | 'restore'>();
  return (
    <section className="section" aria-labelledby="account-title">
      <h2 id="account-title">Account</h2>
      <p className="quiet">
        No name, no password: a key on this device. Credits belong to the account; several devices can share
        one.
      </p>
      <Facts
        facts={[
          { term: 'Account', value: <span className="mono">{self.account}</span> },
          { term: 'Device', value: <span className="mono">{self.device}</span> },
          { term: 'This tab', value: <span className="mono">{self.peer}</span> },
          {
            term: 'Recovery key',
            value: self.recoveryKeyPending ? 'waits to be saved' : 'saved by you, no longer on this device',
          },
          { term: 'Build', value: <span className="mono">{self.build}</span> },
        ]}
      />
      <div className="bar">
        {self.recoveryKeyPending ? (
          <Button look="primary" icon="key" onClick={() => setDialog('key')}>
            Show recovery key
          </Button>
        ) : null}
        <Button icon="refresh" onClick={() => setDialog('restore')}>
          Restore an account
        </Button>
      </div>
      {dialog === 'key' ? <RecoveryKeyDialog onClose={() => setDialog(undefined)} /> : null}
      {dialog === 'restore' ? <RestoreDialog onClose={() => setDialog(undefined)} /> : null}
    </section>
  );
};
