import type { ThemeChoice } from '../../app/readModels.ts';
import { useApp, useStore } from '../hooks/useApp.ts';
import { type Screen, screens, useNavigate } from '../hooks/useNavigation.ts';
import { IconButton } from '../kit/Button.tsx';
import { formatCount } from '../kit/format.ts';
import { Icon, type IconName } from '../kit/Icon.tsx';
import { Lantern } from '../kit/Lantern.tsx';
import { RoomStatus } from './RoomStatus.tsx';

export const screenTitles: Record<Screen, string> = {
  read: 'Read',
  swarm: 'Swarm',
  models: 'Models',
  device: 'This device',
  receipts: 'Receipts',
  wallet: 'Wallet',
  health: 'Health',
};
const shortTitles: Record<Screen, string> = { ...screenTitles, device: 'Device' };

/** A slim rail on wide screens, a bar at the thumb on phones: the same list, placed by CSS. */
export const NavigationBar = () => {
  const { models } = useApp();
  const { view, go } = useNavigate();
  const self = useStore(models.self);
  return (
    <>
      <header className="topbar">
        <RoomStatus />
        <button
          type="button"
          className="topbar-self"
          aria-label={`${self.name}, this device`}
          onClick={() => go({ screen: 'device' })}
        >
          <Lantern peer={self.peer} name={self.name} size={24} />
          <span>{self.name}</span>
        </button>
        <ThemeButton />
      </header>
      <nav className="rail" aria-label="Screens">
        <ul>
          {screens.map((screen) => (
            <li key={screen}>
              <button
                type="button"
                aria-current={view.screen === screen ? 'page' : undefined}
                aria-label={screenTitles[screen]}
                onClick={() => go({ screen })}
              >
                <Icon name={screen} size={22} />
                <span>{shortTitles[screen]}</span>
                {screen === 'health' ? <HealthMark /> : null}
              </button>
            </li>
          ))}
        </ul>
      </nav>
    </>
  );
};

/** How many alerts nobody has seen; else a dot while a check is bad. */
const HealthMark = () => {
  const { telemetry } = useApp().models;
  const bad = useStore(telemetry.health).checks.some((check) => check.state === 'bad');
  const unseen = useStore(telemetry.alerts).filter(({ state, seen }) => state === 'firing' && !seen).length;
  if (unseen > 0)
    return (
      <span className="rail-count count" title={formatCount(unseen, 'new alert')}>
        {unseen > 99 ? '99+' : unseen}
      </span>
    );
  return bad ? <span className="rail-mark" title="Needs attention" /> : null;
};

const nextTheme: Record<ThemeChoice, ThemeChoice> = { system: 'light', light: 'dark', dark: 'system' };
const themeIcons: Record<ThemeChoice, IconName> = { system: 'dusk', light: 'sun', dark: 'moon' };
const themeNames: Record<ThemeChoice, string> = { system: 'as the system', light: 'dawn', dark: 'dusk' };

const ThemeButton = () => {
  const { models, commands } = useApp();
  const theme = useStore(models.theme);
  return (
    <IconButton
      icon={themeIcons[theme]}
      label={`Theme: ${themeNames[theme]}`}
      onClick={() => void commands.setTheme(nextTheme[theme])}
    />
  );
};
