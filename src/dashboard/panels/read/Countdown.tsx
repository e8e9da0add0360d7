import { useNow } from '../../hooks/useNow.ts';
import { formatCountdown } from '../../kit/format.ts';

export const Countdown = ({ at }: { readonly at: number }) => {
  const { monotonic } = useNow(500);
  return <> · tries again in {formatCountdown(at - monotonic)}</>;
};
