import { lazy, type ReactNode, Suspense, useEffect, useRef } from 'react';
import { useApp, useStore } from '../hooks/useApp.ts';
import { NavigationContext, type Screen, useHistoryNavigation } from '../hooks/useNavigation.ts';
import { useDocumentTheme } from '../hooks/useTheme.ts';
import { Boundary } from '../kit/Boundary.tsx';
import { ReadPanel } from '../panels/read/ReadPanel.tsx';
import { WelcomePanel } from '../panels/welcome/WelcomePanel.tsx';
import { Banners } from './Banners.tsx';
import { NavigationBar, screenTitles } from './NavigationBar.tsx';
import { RemovalsProvider } from './RemovalsProvider.tsx';
import { Toasts } from './Toasts.tsx';
import './shell.css';

// What most people open first is in the first chunk; charts, tables and the QR code come when they are looked at.
const SwarmPanel = lazy(async () => ({
  default: (await import('../panels/swarm/SwarmPanel.tsx')).SwarmPanel,
}));
const ModelsPanel = lazy(async () => ({
  default: (await import('../panels/models/ModelsPanel.tsx')).ModelsPanel,
}));
const DevicePanel = lazy(async () => ({
  default: (await import('../panels/device/DevicePanel.tsx')).DevicePanel,
}));
const ReceiptsPanel = lazy(async () => ({
  default: (await import('../panels/receipts/ReceiptsPanel.tsx')).ReceiptsPanel,
}));
const WalletPanel = lazy(async () => ({
  default: (await import('../panels/wallet/WalletPanel.tsx')).WalletPanel,
}));
const HealthPanel = lazy(async () => ({
  default: (await import('../panels/health/HealthPanel.tsx')).HealthPanel,
}));

const panels: Record<Screen, () => ReactNode> = {
  read: () => <ReadPanel />,
  swarm: () => <SwarmPanel />,
  models: () => <ModelsPanel />,
  device: () => <DevicePanel />,
  receipts: () => <ReceiptsPanel />,
  wallet: () => <WalletPanel />,
  health: () => <HealthPanel />,
};

export const Shell = () => {
  useDocumentTheme();
  const { models } = useApp();
  const consent = useStore(models.consent);
  const navigation = useHistoryNavigation();
  const { screen, item } = navigation.view;
  const main = useRef<HTMLElement>(null);

  useEffect(() => {
    document.title = consent === undefined ? 'AIVillage' : `${screenTitles[screen]} · AIVillage`;
  }, [consent, screen]);

  return (
    <NavigationContext value={navigation}>
      <Toasts>
        <RemovalsProvider>
          {consent === undefined ? (
            <main>
              <WelcomePanel />
            </main>
          ) : (
            <div className="shell">
              <button type="button" className="skip" onClick={() => main.current?.focus()}>
                Skip to content
              </button>
              <NavigationBar />
              <main ref={main} tabIndex={-1} className="main">
                <Banners />
                <Boundary key={screen === 'read' ? `read/${item ?? ''}` : screen}>
                  <Suspense fallback={<p className="screen-loading">Opening…</p>}>
                    {panels[screen]()}
                  </Suspense>
                </Boundary>
              </main>
            </div>
          )}
        </RemovalsProvider>
      </Toasts>
    </NavigationContext>
  );
};
