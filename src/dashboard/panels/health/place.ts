import { useMemo } from 'react';
import { useNavigate, type View } from '../../hooks/useNavigation.ts';

const healthTabs = ['checks', 'charts', 'alerts', 'traces', 'log', 'reports'] as const;
export type HealthTab = (typeof healthTabs)[number];

/** Where one is: a tab, and what is open there: a series on `charts`, a trace on `traces` and `log`. */
export type Place = { readonly tab: HealthTab; readonly open: string | undefined };

/** In the history entry's `item`: "traces", or "traces:" and what is open. Anything else is the first tab. */
export const placeOf = (item: string | undefined): Place => {
  const [first, ...rest] = (item ?? '').split(':');
  const tab = healthTabs.find((name) => name === first);
  return tab ? { tab, open: rest.join(':') || undefined } : { tab: 'checks', open: undefined };
};

export const viewOfPlace = ({ tab, open }: Place): View => ({
  screen: 'health',
  item: open === undefined ? tab : `${tab}:${open}`,
});

export const usePlace = () => {
  const { view, go, replace } = useNavigate();
  const { tab, open } = placeOf(view.item);
  return useMemo(
    () => ({
      tab,
      open,
      show: (next: HealthTab) => replace(viewOfPlace({ tab: next, open: undefined })),
      openItem: (next: HealthTab, id: string) => go(viewOfPlace({ tab: next, open: id })),
      closeItem: () => replace(viewOfPlace({ tab, open: undefined })),
    }),
    [tab, open, go, replace],
  );
};
