import { createContext, useContext } from 'react';
import type { JobId } from '../../core/brand.ts';

/** Jobs that are as good as deleted: out of sight, and back if the person says so in time. */
export type Removals = {
  readonly removed: ReadonlySet<JobId>;
  readonly remove: (job: JobId, title: string) => void;
};

export const RemovalsContext = createContext<Removals>({ removed: new Set(), remove: () => {} });
export const useRemovals = (): Removals => useContext(RemovalsContext);
