import { createStore, get, set } from 'idb-keyval';

/** One record in a database of its own: settings outlive any change of the large database's schema. */
export const createBrowserSettings = <T>(): {
  read(): Promise<unknown>;
  write(settings: T): Promise<void>;
} => {
  const store = createStore('aivillage-settings', 'settings');
  return {
    read: () => get('device', store),
    write: (settings) => set('device', settings, store),
  };
};
