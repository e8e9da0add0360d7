import type { Dashboard } from '@grafana/schema';
import { chart, dashboard, here, number, type Query } from './panels.ts';

const q = (expr: string, legend = '{{instance}}'): Query => ({ expr, legend });
const rate = (name: string, by: string, more = ''): string =>
  `sum by (${by}) (rate(${name}{${here}${more}}[$__rate_interval]))`;
/** Of a summary: its own quantiles (of the last 5 to 10 minutes), and the mean of what was asked for. */
const latency = (name: string, by = '', more = ''): readonly Query[] => [
  ...['0.5', '0.95', '0.99'].map((quantile) =>
    q(
      `max by (instance${by && `, ${by}`}) (${name}{${here}${more},quantile="${quantile}"})`,
      `p${Number(quantile) * 100}${by && ` {{${by}}}`} {{instance}}`,
    ),
  ),
  q(
    `sum by (instance${by && `, ${by}`}) (rate(${name}_sum{${here}${more}}[$__rate_interval])) / sum by (instance${by && `, ${by}`}) (rate(${name}_count{${here}${more}}[$__rate_interval]))`,
    `mean${by && ` {{${by}}}`} {{instance}}`,
  ),
];

const host = dashboard(
  {
    uid: 'aivillage-host',
    title: 'AIVillage / Host',
    description: 'Is it up, is it well, who is there, what is answered and how fast.',
  },
  [
    [
      number('Up', { unit: 'bool_yes_no', bad: 0, warn: 0 }, `up{${here}}`),
      number(
        'Health',
        { unit: 'short', description: '0 to 100, as /healthz has it' },
        `aivillage_health_score{${here}}`,
      ),
      number('Tabs', { unit: 'short' }, `aivillage_signaling_peers{${here}}`),
      number('Rooms', { unit: 'short' }, `aivillage_signaling_rooms{${here}}`),
      number(
        'Errors, 1 h',
        { unit: 'percentunit', warn: 0.001, bad: 0.0144 },
        'aivillage:http_errors:ratio_rate1h{job=~"$job",instance=~"$instance"}',
      ),
      number('Up for', { unit: 's' }, `process_uptime_seconds{${here}}`),
    ],
    [
      chart(
        'HTTP answers',
        { unit: 'reqps', stack: true },
        q(rate('aivillage_http_requests_total', 'class'), '{{class}}'),
        q(rate('aivillage_http_aborted_total', 'job'), 'broken off'),
      ),
      chart(
        'Time to answer',
        { unit: 's' },
        ...latency('http_request_duration_seconds', 'route', ',class="2xx"'),
      ),
    ],
    [
      chart(
        'Tabs, rooms, sockets',
        { unit: 'short' },
        q(`aivillage_signaling_peers{${here}}`, 'tabs {{instance}}'),
        q(`aivillage_signaling_rooms{${here}}`, 'rooms {{instance}}'),
        q(`aivillage_signaling_connections{${here}}`, 'sockets {{instance}}'),
      ),
      chart(
        'Health checks',
        { unit: 'short', description: '0 well, 1 warns, 2 bad', warn: 1, bad: 2 },
        q(`aivillage_health_state{${here}}`, '{{check}} {{instance}}'),
      ),
    ],
    [
      chart(
        'Sockets turned away',
        { unit: 'ops' },
        q(rate('aivillage_upgrades_refused_total', 'status'), '{{status}}'),
      ),
      chart(
        'Refused and dropped',
        { unit: 'ops' },
        q(rate('aivillage_signaling_refused_total', 'code'), 'refused: {{code}}'),
        q(rate('aivillage_signaling_dropped_total', 'instance'), 'dropped {{instance}}'),
        q(rate('aivillage_ledger_dropped_total', 'instance'), 'dropped, ledger {{instance}}'),
      ),
    ],
    [
      chart(
        'Error budget burnt',
        { unit: 'short', description: 'Times too fast; 14.4 in 1 h and 5 m pages', warn: 1, bad: 14.4 },
        q(
          'aivillage:http_errors:ratio_rate5m{job=~"$job",instance=~"$instance"} / 0.001',
          '5 m {{instance}}',
        ),
        q(
          'aivillage:http_errors:ratio_rate1h{job=~"$job",instance=~"$instance"} / 0.001',
          '1 h {{instance}}',
        ),
        q(
          'aivillage:http_errors:ratio_rate6h{job=~"$job",instance=~"$instance"} / 0.001',
          '6 h {{instance}}',
        ),
      ),
      chart(
        'Disk used',
        { unit: 'percentunit', warn: 0.8, bad: 0.95 },
        q(`1 - aivillage_data_disk_free_bytes{${here}} / aivillage_data_disk_size_bytes`),
      ),
    ],
  ],
);

const signaling = dashboard(
  {
    uid: 'aivillage-signaling',
    title: 'AIVillage / Signaling',
    description:
      'How tabs find each other: joining, envelopes, frames that are carried, the bus between processes.',
  },
  [
    [
      chart(
        'Sockets accepted',
        { unit: 'ops' },
        q(rate('aivillage_signaling_connections_total', 'instance')),
      ),
      chart('Time to be let in', { unit: 's' }, ...latency('aivillage_signaling_join_seconds')),
    ],
    [
      chart(
        'Envelopes and frames',
        { unit: 'ops' },
        q(rate('aivillage_signaling_relayed_total', 'instance'), 'envelopes {{instance}}'),
        q(rate('aivillage_signaling_carried_total', 'instance'), 'frames {{instance}}'),
        q(rate('aivillage_signaling_gone_total', 'instance'), 'for nobody {{instance}}'),
      ),
      chart(
        'Bytes',
        { unit: 'Bps' },
        q(rate('aivillage_signaling_relayed_bytes_total', 'instance'), 'envelopes {{instance}}'),
        q(rate('aivillage_signaling_carried_bytes_total', 'instance'), 'frames {{instance}}'),
      ),
    ],
    [
      chart('Time to hand an envelope on', { unit: 's' }, ...latency('aivillage_signaling_relay_seconds')),
      chart(
        'Time to handle a message',
        { unit: 's' },
        ...latency('aivillage_socket_message_seconds', 'path'),
      ),
    ],
    [
      chart(
        'Clients not read',
        { unit: 'short', description: 'They sent more than is carried for them' },
        q(`aivillage_signaling_held{${here}}`),
      ),
      chart('Time until the bus has it', { unit: 's' }, ...latency('aivillage_bus_confirm_seconds')),
    ],
    [
      chart(
        'Messages of the bus',
        { unit: 'ops' },
        q(rate('aivillage_bus_published_total', 'instance'), 'sent {{instance}}'),
        q(rate('aivillage_bus_received_total', 'instance'), 'received {{instance}}'),
        q(rate('aivillage_bus_not_taken_total', 'instance'), 'lost {{instance}}'),
        q(rate('aivillage_bus_malformed_total', 'instance'), 'malformed {{instance}}'),
      ),
      chart(
        'Other processes',
        { unit: 'short' },
        q(`aivillage_bus_processes{${here}}`, 'processes {{instance}}'),
        q(`aivillage_bus_peers{${here}}`, 'their tabs {{instance}}'),
        q(`aivillage_bus_connected{${here}}`, 'connected {{instance}}'),
      ),
    ],
  ],
);

const ledger = dashboard(
  {
    uid: 'aivillage-ledger',
    title: 'AIVillage / Keepers and ledger',
    description: 'Whether blocks become final, how fast, and who takes part.',
  },
  [
    [
      number('Height', { unit: 'short' }, `aivillage_ledger_height{${here}}`),
      number('Votes', { unit: 'bool_yes_no' }, `aivillage_ledger_voting{${here}}`),
      number('Others reached', { unit: 'short' }, `aivillage_ledger_peers{${here}}`),
      number('Keepers', { unit: 'short' }, `aivillage_ledger_keepers{${here}}`),
      number('Epoch', { unit: 'short' }, `aivillage_ledger_epoch{${here}}`),
    ],
    [
      chart(
        'Blocks and operations that became final',
        { unit: 'ops' },
        q(`rate(aivillage_ledger_finals{${here}}[$__rate_interval])`, 'blocks {{instance}}'),
        q(`rate(aivillage_ledger_operations{${here}}[$__rate_interval])`, 'operations {{instance}}'),
      ),
      chart(
        'From arrival to final',
        { unit: 's', bad: 10 },
        ...latency('aivillage_ledger_operation_seconds'),
      ),
    ],
    [
      chart('Waiting operations', { unit: 'short' }, q(`aivillage_ledger_pending{${here}}`)),
      chart(
        'Round',
        { unit: 'short', description: '0 where all goes well', warn: 1, bad: 3 },
        q(`aivillage_ledger_round{${here}}`),
      ),
    ],
    [
      chart('Height', { unit: 'short' }, q(`aivillage_ledger_height{${here}}`)),
      chart('Others reached', { unit: 'short' }, q(`aivillage_ledger_peers{${here}}`)),
    ],
    [
      chart('Time to write', { unit: 's' }, ...latency('aivillage_ledger_commit_seconds')),
      chart('Time to check signatures', { unit: 's' }, ...latency('aivillage_ledger_check_seconds')),
      chart('Time to apply', { unit: 's' }, ...latency('aivillage_ledger_apply_seconds')),
    ],
    [
      chart(
        'Votes and bytes to the others',
        { unit: 'ops' },
        q(`rate(aivillage_ledger_votes{${here}}[$__rate_interval])`, 'votes {{instance}}'),
        q(`rate(aivillage_ledger_peer_bytes{${here}}[$__rate_interval])`, 'bytes {{instance}}'),
      ),
      chart(
        'Sockets',
        { unit: 'short' },
        q(`aivillage_ledger_sockets{${here}}`),
        q(rate('aivillage_ledger_connections_total', 'instance'), 'accepted a second {{instance}}'),
        q(rate('aivillage_ledger_refused_total', 'instance'), 'refused a second {{instance}}'),
      ),
    ],
  ],
);

const node = dashboard(
  {
    uid: 'aivillage-process',
    title: 'AIVillage / Process',
    description: 'The Node process of a host or keeper: event loop, processor, memory, garbage, files.',
  },
  [
    [
      chart(
        'Event loop delay',
        { unit: 's', warn: 0.25, bad: 1 },
        ...['p50', 'p99', 'max'].map((view) =>
          q(`nodejs_eventloop_lag_${view}_seconds{${here}}`, `${view} {{instance}}`),
        ),
      ),
      chart('Event loop at work', { unit: 'percentunit' }, q(`nodejs_eventloop_utilization_ratio{${here}}`)),
    ],
    [
      chart(
        'Processor',
        { unit: 'percentunit', stack: true },
        q(`rate(process_cpu_user_seconds_total{${here}}[$__rate_interval])`, 'program {{instance}}'),
        q(`rate(process_cpu_system_seconds_total{${here}}[$__rate_interval])`, 'system {{instance}}'),
      ),
      chart(
        'Memory',
        { unit: 'bytes' },
        q(`process_resident_memory_bytes{${here}}`, 'resident {{instance}}'),
        q(`aivillage_memory_limit_bytes{${here}}`, 'limit {{instance}}'),
        q(`nodejs_heap_size_used_bytes{${here}}`, 'heap {{instance}}'),
        q(`nodejs_heap_size_total_bytes{${here}}`, 'heap taken {{instance}}'),
        q(`nodejs_external_memory_bytes{${here}}`, 'outside the heap {{instance}}'),
      ),
    ],
    [
      chart(
        'Pauses to collect garbage',
        { unit: 'percentunit', description: 'Share of the time' },
        q(rate('nodejs_gc_duration_seconds_sum', 'instance, kind'), '{{kind}} {{instance}}'),
      ),
      chart(
        'Longest pauses',
        { unit: 's' },
        q(`nodejs_gc_duration_seconds{${here},quantile="0.99"}`, 'p99 {{kind}} {{instance}}'),
      ),
    ],
    [
      chart(
        'Open files and sockets',
        { unit: 'short' },
        q(`process_open_fds{${here}}`),
        q(`process_max_fds{${here}}`, 'at most {{instance}}'),
      ),
      chart('Handles', { unit: 'short' }, q(`nodejs_active_resources{${here}}`, '{{type}} {{instance}}')),
    ],
    [
      number('Node', { unit: 'short' }, `max by (version) (nodejs_version_info{${here}})`),
      number('AIVillage', { unit: 'short' }, `max by (version) (aivillage_build_info{${here}})`),
      number(
        'Clock off by',
        { unit: 's', warn: 1, bad: 5 },
        `abs(aivillage_time_seconds{${here}} - timestamp(aivillage_time_seconds))`,
      ),
      number('Samples not taken', { unit: 'short' }, `sum by (instance) (telemetry_dropped_total{${here}})`),
    ],
  ],
);

/** By the name of their file in deploy/grafana/dashboards, which `npx vitest run deploy -u` writes. */
export const dashboards: Readonly<Record<string, Dashboard>> = { host, signaling, ledger, process: node };
