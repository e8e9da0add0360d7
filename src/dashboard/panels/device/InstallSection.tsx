import type { InstallView } from '../../../app/readModels.ts';
import { useApp, useStore } from '../../hooks/useApp.ts';
import { Button } from '../../kit/Button.tsx';
import { Facts } from '../../kit/Facts.tsx';

const states: Record<InstallView['state'], string> = {
  unavailable: 'not possible here',
  available: 'possible',
  installed: 'installed',
};

export const InstallSection = () => {
  const { models, commands } = useApp();
  const install = useStore(models.install);
  return (
    <section className="section" aria-labelledby="install-title">
      <h2 id="install-title">As an app</h2>
      <Facts
        facts={[
          { term: 'Install', value: states[install.state], hint: install.reason },
          {
            term: 'Without network',
            value: install.offlineReady ? 'opens and reads alone' : 'not yet',
            hint: install.offlineReady ? undefined : 'It becomes possible once the page has stored itself.',
          },
          { term: 'Update', value: install.updateReady ? 'a new version waits' : 'up to date' },
        ]}
      />
      <div className="bar">
        {install.state === 'available' ? (
          <Button icon="download" onClick={() => void commands.install()}>
            Install app
          </Button>
        ) : null}
        {install.updateReady ? (
          <Button look="primary" icon="refresh" onClick={() => void commands.applyUpdate()}>
            Update and reload
          </Button>
        ) : null}
      </div>
    </section>
  );
};
