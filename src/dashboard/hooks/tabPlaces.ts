import { useMemo } from 'react';
import { useNavigate, type View } from './useNavigation.ts';

/** Where one is on a screen of tabs, and what is open there. */
export type Place<Tab extends string> = { readonly tab: Tab; readonly open: string | undefined };

/**
 * A screen's tabs in the history, so that back, forward and reload keep them: its entry's `item` is "traces", or "traces:" and
 * what is open. Anything else is the first tab. Doesn't know what can be open.
 */
export const tabPlaces = <Tab extends string>(screen: View['screen'], tabs: readonly [Tab, ...Tab[]]) => {
  const placeOf = (item: string | undefined): Place<Tab> => {
    const [first, ...rest] = (item ?? '').split(':');
    const tab = tabs.find((name) => name === first);
    return tab ? { tab, open: rest.join(':') || undefined } : { tab: tabs[0], open: undefined };
  };
  const viewOfPlace = ({ tab, open }: Place<Tab>): View => ({
    screen,
    item: open === undefined ? tab : `${tab}:${open}`,
  });
  return { placeOf, viewOfPlace };
};

/** Where one is, and how one goes elsewhere on the same screen. */
export const useTabPlace = <Tab extends string>({
  placeOf,
  viewOfPlace,
}: ReturnType<typeof tabPlaces<Tab>>) => {
  const { view, go, replace } = useNavigate();
  const { tab, open } = placeOf(view.item);
  return useMemo(
    () => ({
      tab,
      open,
      show: (next: Tab) => replace(viewOfPlace({ tab: next, open: undefined })),
      openItem: (next: Tab, id: string) => go(viewOfPlace({ tab: next, open: id })),
      /** Over the tab that one is on. */
      openHere: (id: string) => go(viewOfPlace({ tab, open: id })),
      closeItem: () => replace(viewOfPlace({ tab, open: undefined })),
    }),
    [tab, open, go, replace, viewOfPlace],
  );
};
