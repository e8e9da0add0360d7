import type { Metrics } from './metrics.ts';
import type { SignalingHub } from './signaling.ts';

/** What an operator watches of signaling. */
export const watchSignaling = (
  { gauge }: Metrics,
  hub: Pick<SignalingHub, 'load' | 'held' | 'others'>,
): void => {
  gauge('aivillage_signaling_connections', () => hub.load().connections);
  gauge('aivillage_signaling_peers', () => hub.load().peers);
  gauge('aivillage_signaling_rooms', () => hub.load().rooms);
  gauge('aivillage_signaling_held', hub.held);
  if (!hub.others()) return;
  gauge('aivillage_bus_connected', () => (hub.others()?.bus === 'connected' ? 1 : 0));
  gauge('aivillage_bus_processes', () => hub.others()?.processes ?? 0);
  gauge('aivillage_bus_peers', () => hub.load().elsewhere);
};
