import { createStore, type Store } from '../core/events.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { NetworkStatistics } from '../mesh/index.ts';
import type { NetworkView } from './readModels.ts';

const windowMs = 60_000;

/** The neighbourhood in numbers: what is there now, and what was said in the last minute. */
export const createNetworkView = (deps: {
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly statistics: () => NetworkStatistics;
}): { readonly view: Store<NetworkView>; refresh(): void } => {
  const { clock } = deps;
  const samples: { readonly at: number; readonly statistics: NetworkStatistics }[] = [];
  const view = createStore<NetworkView>(viewOf(deps.statistics(), undefined));
  return {
    view,
    refresh() {
      const statistics = deps.statistics();
      const now = clock.monotonic();
      samples.push({ at: now, statistics });
      while (samples.length > 2 && now - (samples[1]?.at ?? now) >= windowMs) samples.shift();
      const [oldest] = samples;
      const next = viewOf(
        statistics,
        oldest && now > oldest.at ? { ...oldest, minutes: (now - oldest.at) / windowMs } : undefined,
      );
      if (JSON.stringify(next) !== JSON.stringify(view.get())) view.set(next);
    },
  };
};

const viewOf = (
  now: NetworkStatistics,
  before: { readonly statistics: NetworkStatistics; readonly minutes: number } | undefined,
): NetworkView => {
  const rtts = now.links.flatMap(({ rtt, neighbor }) => (neighbor && rtt !== undefined ? [rtt] : []));
  const rate = (read: (statistics: NetworkStatistics) => number) =>
    before ? Math.round((read(now) - read(before.statistics)) / before.minutes) : undefined;
  return {
    peers: now.peers,
    neighbors: now.neighbors,
    direct: now.links.length - now.neighbors,
    relayed: now.links.filter(({ way }) => way === 'relayed').length,
    carried: now.links.filter(({ way }) => way === 'carried').length,
    slowest: rtts.length > 0 ? Math.round(Math.max(...rtts)) : undefined,
    toldPerMinute: rate(({ broadcast }) => broadcast.delivered),
    passedOnPerMinute: rate(({ broadcast, letters }) => broadcast.sent + letters.forwarded),
    refused: now.broadcast.invalid + now.broadcast.flooded,
  };
};
