import { lazy, Suspense, useState } from 'react';
import { useApp, useStore } from '../hooks/useApp.ts';
import { Button } from '../kit/Button.tsx';
import { formatDateTime, shortId } from '../kit/format.ts';
import { Notice } from '../kit/Notice.tsx';

const RecoveryKeyDialog = lazy(async () => ({
  default: (await import('../account/RecoveryKeyDialog.tsx')).RecoveryKeyDialog,
}));

/** What waits for the person, above every screen; nothing here blocks. */
export const Banners = () => {
  const { models, commands } = useApp();
  const self = useStore(models.self);
  const install = useStore(models.install);
  const [showKey, setShowKey] = useState(false);
  const [later, setLater] = useState(false);
  return (
    <div className="banners">
      <RemovedBanner />
      {install.updateReady ? (
        <Notice
          icon="refresh"
          title="A new version is ready."
          action={
            <Button look="primary" onClick={() => void commands.applyUpdate()}>
              Update and reload
            </Button>
          }
        >
          Running jobs go on after the reload.
        </Notice>
      ) : null}
      {!self.durable ? (
        <Notice tone="warn" title="Nothing is kept after this tab closes.">
          This browser offers no storage (a private window?). Save texts and the recovery key before you
          leave.
        </Notice>
      ) : null}
      {self.engine.phase === 'failed' ? (
        <Notice tone="bad" title="This device can’t read at the moment.">
          {self.engine.error ?? 'The reading engine stopped.'} Others in the room still can.
        </Notice>
      ) : null}
      {self.recoveryKeyPending && !later ? (
        <Notice
          icon="key"
          title="Save your recovery key."
          action={
            <>
              <Button look="plain" onClick={() => setLater(true)}>
                Later
              </Button>
              <Button onClick={() => setShowKey(true)}>Show recovery key</Button>
            </>
          }
        >
          It brings your account and credits to another device.
        </Notice>
      ) : null}
      <Suspense>{showKey ? <RecoveryKeyDialog onClose={() => setShowKey(false)} /> : null}</Suspense>
    </div>
  );
};

/** Whoever was removed is told by whom and why, and where to go from here; his own texts stay. */
const RemovedBanner = () => {
  const { models, commands } = useApp();
  const removal = useStore(models.swarm)?.ownRemoval;
  if (!removal) return null;
  const { by, reason, at } = removal;
  return (
    <Notice
      tone="bad"
      title={`You were removed from this swarm by ${by.name ?? (by.founder ? 'its founder' : shortId(by.account))}: “${reason}”`}
      action={
        <>
          <Button look="plain" onClick={() => commands.reconnect()}>
            Ask again
          </Button>
          <Button look="primary" onClick={() => void commands.changeRoom(undefined)}>
            Open another room
          </Button>
        </>
      }
    >
      {formatDateTime(at)}. Your texts and your account stay on this device. If they have let you back in, ask
      again.
    </Notice>
  );
};
