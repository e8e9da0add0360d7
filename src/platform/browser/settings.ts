import { createStore, get, update } from 'idb-keyval';

/** One record in a database of its own: settings outlive any change of the large database's schema. */
export const createBrowserSettings = <T>(): {
  read(): Promise<unknown>;
  update(make: (stored: unknown) => T): Promise<void>;
  onWritten(listener: () => void): void;
} => {
  const store = createStore('aivillage-settings', 'settings');
  const channel = openChannel();
  return {
    read: () => get('device', store),
    async update(make) {
      await update('device', make, store);
      channel?.postMessage(null);
    },
    onWritten(listener) {
      channel?.addEventListener('message', listener);
    },
  };
};

/** Undefined where a site's data is blocked: its tabs share nothing then. */
const openChannel = (): BroadcastChannel | undefined => {
  try {
    return new BroadcastChannel('aivillage/settings');
  } catch {
    return undefined;
  }
};
