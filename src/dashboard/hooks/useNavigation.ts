import { createContext, useCallback, useContext, useEffect, useMemo, useRef, useState } from 'react';

export const screens = ['read', 'swarm', 'models', 'device', 'receipts', 'wallet', 'health'] as const;
export type Screen = (typeof screens)[number];

/** What is shown. The room link owns the address's fragment, so this lives in the history entry instead. */
export type View = {
  readonly screen: Screen;
  /** A job on `read`, a peer on `swarm`, a receipt on `receipts`, a tab and what is open there on `wallet` and `health`. */
  readonly item?: string;
};

export type Navigation = {
  readonly view: View;
  readonly go: (view: View) => void;
  /** Instead of the current entry: closing a dialog leaves no step to go back to. */
  readonly replace: (view: View) => void;
};

export const NavigationContext = createContext<Navigation>({
  view: { screen: 'read' },
  go: () => {},
  replace: () => {},
});
export const useNavigate = (): Navigation => useContext(NavigationContext);

const stateKey = 'aivillage.view';

export const useHistoryNavigation = (): Navigation => {
  const [view, setView] = useState<View>(() => viewOf(history.state) ?? { screen: 'read' });
  const shown = useRef(view);
  useEffect(() => {
    shown.current = view;
  }, [view]);
  useEffect(() => {
    const onPop = (event: PopStateEvent) => setView(viewOf(event.state) ?? { screen: 'read' });
    window.addEventListener('popstate', onPop);
    return () => window.removeEventListener('popstate', onPop);
  }, []);
  const go = useCallback((next: View) => {
    history.pushState({ [stateKey]: next }, '');
    setView(next);
    // A dialog over the same screen leaves the page where it is.
    if (next.screen !== shown.current.screen || next.screen === 'read') window.scrollTo(0, 0);
  }, []);
  const replace = useCallback((next: View) => {
    history.replaceState({ [stateKey]: next }, '');
    setView(next);
  }, []);
  return useMemo(() => ({ view, go, replace }), [view, go, replace]);
};

const viewOf = (state: unknown): View | undefined => {
  if (typeof state !== 'object' || state === null || !(stateKey in state)) return undefined;
  const view = state[stateKey];
  if (typeof view !== 'object' || view === null || !('screen' in view)) return undefined;
  const screen = screens.find((name) => name === view.screen);
  if (!screen) return undefined;
  return 'item' in view && typeof view.item === 'string' ? { screen, item: view.item } : { screen };
};
