import { createContext, useCallback, useContext, useSyncExternalStore } from 'react';
import type { AppModel } from '../../app/readModels.ts';
import type { Store } from '../../core/events.ts';

export const AppContext = createContext<AppModel | undefined>(undefined);

export const useApp = (): AppModel => {
  const app = useContext(AppContext);
  if (!app) throw new Error('useApp is called outside mountDashboard');
  return app;
};

export const useStore = <T>(store: Store<T>): T => {
  const subscribe = useCallback((onChange: () => void) => store.subscribe(onChange), [store]);
  const get = useCallback(() => store.get(), [store]);
  return useSyncExternalStore(subscribe, get);
};
