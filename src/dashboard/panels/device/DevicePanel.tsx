import { ConsentChoices } from '../../account/ConsentChoices.tsx';
import { useApp, useStore } from '../../hooks/useApp.ts';
import { Segmented } from '../../kit/Field.tsx';
import { Lantern } from '../../kit/Lantern.tsx';
import { DeviceFacts, GpuFacts } from '../../profile/DeviceFacts.tsx';
import { AccountSection } from './AccountSection.tsx';
import { EngineSection } from './EngineSection.tsx';
import { InstallSection } from './InstallSection.tsx';
import { LimitsSection } from './LimitsSection.tsx';
import { NameForm } from './NameForm.tsx';
import './device.css';

export const DevicePanel = () => {
  const { models, commands } = useApp();
  const self = useStore(models.self);
  const consent = useStore(models.consent);
  const theme = useStore(models.theme);
  return (
    <div className="screen">
      <header className="device-head">
        <Lantern peer={self.peer} name={self.name} size={56} />
        <div>
          <h1>This device</h1>
          <p className="quiet">
            {self.profile ? `${self.profile.label}. ` : ''}In the room its lantern looks like this.
          </p>
        </div>
        <NameForm key={self.name} name={self.name} />
      </header>
      <div className="columns">
        <div className="device-column">
          <LimitsSection />
          <section className="section" aria-labelledby="consent-title">
            <h2 id="consent-title">Who reads your pages</h2>
            <ConsentChoices value={consent} onChoose={(choice) => void commands.chooseConsent(choice)} />
          </section>
          <AccountSection />
        </div>
        <div className="device-column">
          <EngineSection />
          <section className="section" aria-labelledby="profile-title">
            <h2 id="profile-title">What the room knows of it</h2>
            {self.profile ? (
              <div>
                <DeviceFacts profile={self.profile} />
                <h3 className="facts-title">Graphics</h3>
                <GpuFacts gpu={self.profile.gpu} />
              </div>
            ) : (
              <p className="quiet" role="status">
                Asking the browser…
              </p>
            )}
          </section>
          <InstallSection />
          <section className="section" aria-labelledby="theme-title">
            <h2 id="theme-title">Light</h2>
            <Segmented
              label="Theme"
              value={theme}
              onChange={(choice) => void commands.setTheme(choice)}
              options={[
                { value: 'system', label: 'As the system' },
                { value: 'light', label: 'Dawn' },
                { value: 'dark', label: 'Dusk' },
              ]}
            />
          </section>
        </div>
      </div>
    </div>
  );
};
