import { useNow } from '../../hooks/useNow.ts';
import { formatRemaining } from '../../kit/format.ts';

/** Counts down to a monotonic time; hidden from screen readers' live regions, or it would count aloud. */
export const Until = ({ at }: { readonly at: number }) => {
  const { monotonic } = useNow(1000);
  return <span aria-live="off">{at > monotonic ? formatRemaining(at - monotonic) : 'a moment'}</span>;
};
