import { lazy, Suspense, useState } from 'react';
import { ConsentChoices } from '../../account/ConsentChoices.tsx';
import { useApp, useStore } from '../../hooks/useApp.ts';
import { Button } from '../../kit/Button.tsx';
import { VillageMap } from '../../village/VillageMap.tsx';
import './welcome.css';

const RestoreDialog = lazy(async () => ({
  default: (await import('../../account/RestoreDialog.tsx')).RestoreDialog,
}));

/** The first visit: what this is, and who may see what. */
export const WelcomePanel = () => {
  const { models, commands } = useApp();
  const self = useStore(models.self);
  const peers = useStore(models.peers);
  const room = useStore(models.room);
  const [restoring, setRestoring] = useState(false);
  return (
    <div className="welcome">
      <div className="welcome-scene" aria-hidden="true" inert>
        <VillageMap self={self} selfLit={false} peers={peers} large onSelect={() => {}} />
      </div>
      <div className="welcome-text">
        <p className="eyebrow">
          AIVillage <span>{room.name}</span>
        </p>
        <h1>Every open tab is a lantern. Together they read.</h1>
        <p className="lede">
          Drop photos, scans or screenshots and the devices in this room turn them into text together, right
          in the browser. Nothing passes through a company: pages go from tab to tab, encrypted, and only to
          whom you allow.
        </p>
        <h2>How do you want to take part?</h2>
        <ConsentChoices value={undefined} onChoose={(consent) => void commands.chooseConsent(consent)} />
        <p className="quiet small">You can change this at any time under “This device”, and for each job.</p>
        <div>
          <Button look="plain" icon="key" onClick={() => setRestoring(true)}>
            Restore an account
          </Button>
        </div>
      </div>
      <Suspense>{restoring ? <RestoreDialog onClose={() => setRestoring(false)} /> : null}</Suspense>
    </div>
  );
};
