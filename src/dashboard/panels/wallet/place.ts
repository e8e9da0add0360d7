import { useMemo } from 'react';
import { useNavigate, type View } from '../../hooks/useNavigation.ts';

export const walletTabs = ['money', 'market', 'votes', 'log'] as const;
export type WalletTab = (typeof walletTabs)[number];

/** Where one is on the screen: a tab, and what the explorer shows over it. */
export type Place = { readonly tab: WalletTab; readonly open: string | undefined };

/** In the history entry's `item`: "votes", or "votes:" and what is open. Anything else is the first tab. */
export const placeOf = (item: string | undefined): Place => {
  const [first, ...rest] = (item ?? '').split(':');
  const tab = walletTabs.find((name) => name === first);
  return tab ? { tab, open: rest.join(':') || undefined } : { tab: 'money', open: undefined };
};

export const viewOfPlace = ({ tab, open }: Place): View => ({
  screen: 'wallet',
  item: open === undefined ? tab : `${tab}:${open}`,
});

export const usePlace = () => {
  const { view, go, replace } = useNavigate();
  const { tab, open } = placeOf(view.item);
  return useMemo(
    () => ({
      tab,
      open,
      show: (next: WalletTab) => replace(viewOfPlace({ tab: next, open: undefined })),
      openItem: (id: string) => go(viewOfPlace({ tab, open: id })),
      closeItem: () => replace(viewOfPlace({ tab, open: undefined })),
    }),
    [tab, open, go, replace],
  );
};
