import { tabPlaces, useTabPlace } from '../../hooks/tabPlaces.ts';

const healthTabs = ['checks', 'charts', 'alerts', 'traces', 'log', 'reports'] as const;
export type HealthTab = (typeof healthTabs)[number];

/** What is open: a series on `charts`, a trace on `traces` and `log`. */
const places = tabPlaces<HealthTab>('health', healthTabs);
export const { placeOf, viewOfPlace } = places;
export const usePlace = () => useTabPlace(places);
