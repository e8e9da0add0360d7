import { type ReactNode, useCallback, useMemo, useState } from 'react';
import type { JobId } from '../../core/brand.ts';
import { useApp } from '../hooks/useApp.ts';
import { useNotify } from '../hooks/useNotify.ts';
import { RemovalsContext } from '../hooks/useRemovals.ts';

/** Deletes a job only when the chance to undo has passed. */
export const RemovalsProvider = ({ children }: { readonly children: ReactNode }) => {
  const { commands } = useApp();
  const notify = useNotify();
  const [removed, setRemoved] = useState<ReadonlySet<JobId>>(new Set());
  const remove = useCallback(
    (job: JobId, title: string) => {
      setRemoved((jobs) => new Set([...jobs, job]));
      const bringBack = () => setRemoved((jobs) => new Set([...jobs].filter((id) => id !== job)));
      notify({
        text: `“${title}” deleted.`,
        action: { label: 'Undo', run: bringBack },
        // The store drops the job in its own time; it must not flash back in between.
        onExpire: () => void commands.removeJob(job).catch(bringBack),
      });
    },
    [commands, notify],
  );
  const value = useMemo(() => ({ removed, remove }), [removed, remove]);
  return <RemovalsContext value={value}>{children}</RemovalsContext>;
};
