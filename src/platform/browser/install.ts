import { Workbox } from 'workbox-window';
import { createStore, type Store, type WritableStore } from '../../core/events.ts';

export type InstallState = {
  readonly state: 'unavailable' | 'available' | 'installed';
  /** Why it can't be installed by a press of a button, and what to do instead. */
  readonly reason: string | undefined;
  /** Why the page can't store itself at all, so that it will never be ready for offline here. */
  readonly problem: string | undefined;
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
  /** Looks whether all of this is stored; true offline readiness is measured, not assumed. */
  checkOffline(neededUrls: readonly string[]): Promise<void>;
}

const updateCheckMs = 60 * 60 * 1_000;

/** The page as an app: service worker, install prompt, updates that ask first. */
export const createInstaller = (): Installer => {
  const installed = matchMedia('(display-mode: standalone)').matches;
  const problem = whyNotPossible();
  const state = createStore<InstallState>({
    state: installed ? 'installed' : 'unavailable',
    reason: problem ?? (installed ? undefined : howByHand()),
    problem,
    offlineReady: false,
    updateReady: false,
  });
  const prompt = watchInstallPrompt(state);
  const workbox = register(state);
  const completed = new Set<string>();

  return {
    state,
    install: prompt,
    async applyUpdate() {
      if (!workbox || !state.get().updateReady) return;
      const registration = await navigator.serviceWorker.getRegistration();
      // Nothing waits if another tab has let the new version in already: this one only has to load it.
      if (!registration?.waiting) return location.reload();
      navigator.serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true });
      workbox.messageSkipWaiting();
    },
    async checkOffline(neededUrls) {
      const missing = await missingOf(neededUrls).catch(() => neededUrls);
      const offlineReady = missing.length === 0 && isControlled();
      state.update((current) =>
        current.offlineReady === offlineReady ? current : { ...current, offlineReady },
      );
      // The models are stored, so the device has read; the runtime was loaded before the service worker listened.
      if (isControlled() && missing.every(isAsset)) await complete(missing, completed);
    },
  };
};

const watchInstallPrompt = (state: WritableStore<InstallState>): (() => Promise<void>) => {
  let prompt: InstallPromptEvent | undefined;
  addEventListener('beforeinstallprompt', (event) => {
    event.preventDefault();
    prompt = event as InstallPromptEvent;
    state.update((current) => ({ ...current, state: 'available', reason: undefined }));
  });
  addEventListener('appinstalled', () =>
    state.update((current) => ({ ...current, state: 'installed', reason: undefined })),
  );
  return async () => {
    const asked = prompt;
    if (!asked) return;
    prompt = undefined; // the browser lets it be shown once; it sends another if the person may be asked again
    await asked.prompt();
    state.update((current) =>
      current.state === 'available'
        ? { ...current, state: 'unavailable', reason: 'Install it from the browser’s own menu.' }
        : current,
    );
  };
};

const register = (state: WritableStore<InstallState>): Workbox | undefined => {
  if (!('serviceWorker' in navigator) || import.meta.env.DEV) return undefined;
  const announce = () => state.update((current) => ({ ...current, updateReady: true }));
  let wasControlled = isControlled();
  navigator.serviceWorker.addEventListener('controllerchange', () => {
    // The first one claims its first page; any later one was let in by another tab, and this page is the old version.
    if (wasControlled) announce();
    wasControlled = true;
  });
  const workbox = new Workbox('/service-worker.js');
  workbox.addEventListener('waiting', announce);
  const report = (problem: string) => state.update((current) => ({ ...current, problem, reason: problem }));
  workbox.addEventListener('redundant', () => {
    // With one in charge this was only an update that failed or was replaced: the page stays stored as it is.
    if (!isControlled()) report(notStored);
  });
  workbox
    .register()
    .then((registration) => registration && keepLookingForUpdates(registration))
    .catch((cause: unknown) => report(whyNotStored(cause, location.protocol)));
  return workbox;
};

const notStored =
  'The page could not be stored (no room left, or the connection broke off): free some space and reload to work offline.';

/** Hourly, and when somebody comes back to a page whose timers slept. */
const keepLookingForUpdates = (registration: ServiceWorkerRegistration): void => {
  let looked = performance.now();
  const look = () => {
    looked = performance.now();
    void registration.update().catch(() => {}); // offline: the next hour will do
  };
  setInterval(look, updateCheckMs);
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden && performance.now() - looked > updateCheckMs) look();
  });
};

/** Chromium names the certificate; Firefox and Safari only say that it was not secure. */
const whyNotStored = (cause: unknown, protocol: string): string => {
  const insecure = /certificate|SSL/i.test(String(cause)) || (cause as Error)?.name === 'SecurityError';
  return insecure && protocol === 'https:'
    ? 'This device does not trust the host’s certificate yet, so it can neither install the page nor work offline. Open /trust on this host and follow its steps.'
    : 'This browser does not let the page store itself (a private window?): it can not be installed or work offline.';
};

const whyNotPossible = (): string | undefined => {
  if (!isSecureContext) return 'Installing and working offline need the https link of this host.';
  if (!('serviceWorker' in navigator)) return 'This browser can not install pages (a private window?).';
  return undefined;
};

/** Only Chromium lets a page ask; elsewhere people do it themselves. */
const howByHand = (): string | undefined => {
  if ('onbeforeinstallprompt' in globalThis) return undefined;
  return 'standalone' in navigator
    ? 'Share, then “Add to Home Screen”.'
    : 'This browser installs pages from its own menu, if at all.';
};

const isControlled = (): boolean => Boolean(navigator.serviceWorker?.controller);

const missingOf = async (urls: readonly string[]): Promise<readonly string[]> => {
  const stored = await Promise.all(
    urls.map((url) => caches.match(new URL(url, location.href).href, { ignoreSearch: true })),
  );
  return urls.filter((_url, index) => stored[index] === undefined);
};

/** What the service worker keeps; the models are in a store of the page, under addresses that no server answers. */
const isAsset = (url: string): boolean => new URL(url, location.href).pathname.startsWith('/assets/');

/**
 * Asks for what was used already: the HTTP cache has it, and the service worker stores what passes by. Once each, and to the end:
 * an answer that is let go of is a failed request to Firefox.
 */
const complete = async (urls: readonly string[], completed: Set<string>): Promise<void> => {
  for (const url of urls) {
    if (completed.has(url)) continue;
    completed.add(url);
    await fetch(url).then(
      (response) => response.body?.pipeTo(new WritableStream()),
      () => completed.delete(url),
    );
  }
};
