import { counter, duration, gauge } from './describe.ts';
import type { MetricDescription } from './types.ts';

/** What the meeting server measures of itself. */
export const serverMetricDescriptions = {
  aivillage_http_requests_total: counter('HTTP answers by class of status', ['class']),
  aivillage_http_seconds: duration('Time to answer an HTTP request', ['class']),
  aivillage_upgrades_refused_total: counter('WebSocket upgrades refused by status', ['status']),
  aivillage_signaling_connections_total: counter('WebSocket connections accepted'),
  aivillage_signaling_relayed_total: counter('Envelopes relayed between peers'),
  aivillage_signaling_relayed_bytes_total: counter('Bytes of envelopes relayed', [], 'bytes'),
  aivillage_signaling_carried_total: counter('Frames carried between peers'),
  aivillage_signaling_carried_bytes_total: counter('Bytes of frames carried', [], 'bytes'),
  aivillage_signaling_gone_total: counter(
    'Envelopes and frames for somebody who is not in the room (any more)',
  ),
  aivillage_signaling_dropped_total: counter('Clients dropped: they flooded or did not read'),
  aivillage_signaling_refused_total: counter('Refusals sent to clients', ['code']),
  aivillage_signaling_connections: gauge('Open WebSocket connections'),
  aivillage_signaling_peers: gauge('Tabs that are in a room'),
  aivillage_signaling_rooms: gauge('Rooms with somebody in them'),
  aivillage_signaling_held: gauge('Clients not read, because they sent more than is carried'),
  aivillage_bus_published_total: counter('Messages to other server processes'),
  aivillage_bus_received_total: counter('Messages of other server processes'),
  aivillage_bus_not_taken_total: counter('Messages lost because the bus was away or did not read'),
  aivillage_bus_malformed_total: counter('Messages on the bus that are none'),
  aivillage_bus_connected: gauge('Whether the bus is there'),
  aivillage_bus_processes: gauge('Other server processes'),
  aivillage_bus_peers: gauge('Tabs of other processes in rooms of this one'),
  aivillage_ledger_connections_total: counter('Ledger sockets accepted'),
  aivillage_ledger_refused_total: counter('Messages on ledger sockets that were refused'),
  aivillage_ledger_dropped_total: counter('Ledger sockets dropped: they did not read'),
  aivillage_ledger_height: gauge('Height of the newest block'),
  process_resident_memory_bytes: gauge('Resident memory', 'bytes'),
  process_cpu_seconds_total: counter('Processor time, of user and system', [], 'seconds'),
  process_uptime_seconds: gauge('Since the start', 'seconds'),
  nodejs_eventloop_lag_p99_seconds: gauge('Event loop delay, p99 since the last reading', 'seconds'),
} as const satisfies Readonly<Record<string, MetricDescription>>;
