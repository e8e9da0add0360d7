import { Workbox } from 'workbox-window';
import { createStore, type Store } from '../../core/events.ts';

export type InstallState = {
  readonly state: 'unavailable' | 'available' | 'installed';
  readonly reason: string | undefined;
  readonly offlineReady: boolean;
  readonly updateReady: boolean;
};

/** Chromium's event, in no standard yet. */
type InstallPromptEvent = Event & { prompt(): Promise<unknown> };

export interface Installer {
  readonly state: Store<InstallState>;
  install(): Promise<void>;
  /** Lets the waiting version take over, then reloads this page. */
  applyUpdate(): Promise<void>;
  /** Looks whether shell, runtime and models are stored; true offline readiness is measured, not assumed. */
  checkOffline(neededUrls: readonly string[]): Promise<void>;
}

const updateCheckMs = 60 * 60 * 1_000;

/** The page as an app: service worker, install prompt, updates that ask first. */
export const createInstaller = (): Installer => {
  const state = createStore<InstallState>({
    state: matchMedia('(display-mode: standalone)').matches ? 'installed' : 'unavailable',
    reason: whyNotSecure(),
    offlineReady: false,
    updateReady: false,
  });
  let prompt: InstallPromptEvent | undefined;
  addEventListener('beforeinstallprompt', (event) => {
    event.preventDefault();
    prompt = event as InstallPromptEvent;
    state.update((current) => ({ ...current, state: 'available', reason: undefined }));
  });
  addEventListener('appinstalled', () => state.update((current) => ({ ...current, state: 'installed' })));
  const workbox = register(state);

  return {
    state,
    async install() {
      await prompt?.prompt();
      prompt = undefined;
    },
    async applyUpdate() {
      if (!workbox || !state.get().updateReady) return;
      workbox.addEventListener('controlling', () => location.reload());
      workbox.messageSkipWaiting();
    },
    async checkOffline(neededUrls) {
      const offlineReady = await isStored(neededUrls).catch(() => false);
      state.update((current) =>
        current.offlineReady === offlineReady ? current : { ...current, offlineReady },
      );
    },
  };
};

const register = (state: ReturnType<typeof createStore<InstallState>>): Workbox | undefined => {
  if (!('serviceWorker' in navigator) || import.meta.env.DEV) return undefined;
  const workbox = new Workbox('/service-worker.js');
  workbox.addEventListener('waiting', () => state.update((current) => ({ ...current, updateReady: true })));
  workbox
    .register()
    .then((registration) => {
      setInterval(() => void registration?.update().catch(() => {}), updateCheckMs);
    })
    .catch((cause: unknown) => {
      const certificate = /certificate|SSL/i.test(String(cause));
      const reason = certificate
        ? 'This device does not trust the host’s certificate yet, so it can neither install the page nor work offline. Open /trust on this host and follow its steps.'
        : 'This browser does not let the page store itself (a private window?): it can not be installed or work offline.';
      state.update((current) => ({ ...current, reason }));
    });
  return workbox;
};

const whyNotSecure = (): string | undefined => {
  if (!isSecureContext) return 'Installing and working offline need the https link of this host.';
  if (!('serviceWorker' in navigator)) return 'This browser can not install pages (a private window?).';
  return undefined;
};

const isStored = async (urls: readonly string[]): Promise<boolean> => {
  if (!navigator.serviceWorker?.controller) return false;
  const found = await Promise.all(
    urls.map((url) => caches.match(new URL(url, location.href).href, { ignoreSearch: true })),
  );
  return found.every((response) => response !== undefined);
};
