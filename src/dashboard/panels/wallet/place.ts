import { tabPlaces, useTabPlace } from '../../hooks/tabPlaces.ts';

export const walletTabs = ['money', 'market', 'votes', 'log'] as const;
export type WalletTab = (typeof walletTabs)[number];

/** What is open: what the explorer shows over any tab. */
const places = tabPlaces<WalletTab>('wallet', walletTabs);
export const { placeOf, viewOfPlace } = places;
export const usePlace = () => useTabPlace(places);
