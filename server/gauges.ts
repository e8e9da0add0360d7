import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Metrics } from './metrics.ts';
import type { SignalingHub } from './signaling.ts';

/** What an operator watches of the process and of signaling. Returns what ends the measuring. */
export const watchProcess = (
  metrics: Metrics,
  hub: Pick<SignalingHub, 'load' | 'held' | 'others'>,
): (() => void) => {
  const delay = monitorEventLoopDelay();
  delay.enable();
  const readLag = () => {
    const seconds = delay.percentile(99) / 1e9;
    delay.reset(); // over days one bad second would vanish among the good ones
    return seconds;
  };
  const { gauge } = metrics;
  gauge('aivillage_signaling_connections', 'Open WebSocket connections', () => hub.load().connections);
  gauge('aivillage_signaling_peers', 'Tabs that are in a room', () => hub.load().peers);
  gauge('aivillage_signaling_rooms', 'Rooms with somebody in them', () => hub.load().rooms);
  gauge('aivillage_signaling_held', 'Clients not read, because they sent more than is carried', hub.held);
  if (hub.others()) {
    gauge('aivillage_bus_connected', 'Whether the bus is there', () =>
      hub.others()?.bus === 'connected' ? 1 : 0,
    );
    gauge('aivillage_bus_processes', 'Other server processes', () => hub.others()?.processes ?? 0);
    gauge('aivillage_bus_peers', 'Tabs of other processes in rooms of this one', () => hub.load().elsewhere);
  }
  gauge('process_resident_memory_bytes', 'Resident memory', () => process.memoryUsage().rss);
  gauge('process_uptime_seconds', 'Since the start', () => Math.round(process.uptime()));
  gauge('nodejs_eventloop_lag_p99_seconds', 'Event loop delay, p99 since the last reading', readLag);
  return () => delay.disable();
};
