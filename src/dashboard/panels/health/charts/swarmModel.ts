import type { SwarmMetric } from '../../../../app/telemetryView.ts';

export type SharingPeer = { readonly peer: string; readonly name: string; readonly at: number };

/** Who shares anything, each once and as it was heard last, in order of name. */
export const peersOf = (metrics: readonly SwarmMetric[]): readonly SharingPeer[] => {
  const peers = new Map<string, SharingPeer>();
  for (const { peer, name, at } of metrics.flatMap((metric) => metric.peers))
    if ((peers.get(peer)?.at ?? Number.NEGATIVE_INFINITY) < at) peers.set(peer, { peer, name, at });
  return [...peers.values()].sort((a, b) => a.name.localeCompare(b.name, 'en'));
};
