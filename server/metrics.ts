/** Counters and gauges in Prometheus text format 0.0.4. Names and labels are fixed here, so cardinality is too. */
export interface Metrics {
  count(name: CounterName, label?: string, by?: number): void;
  gauge(name: string, help: string, read: () => number): void;
  render(): string;
}

const counters = {
  aivillage_http_requests_total: { help: 'HTTP answers by class of status', label: 'class' },
  aivillage_signaling_connections_total: { help: 'WebSocket connections accepted', label: undefined },
  aivillage_signaling_relayed_total: { help: 'Envelopes relayed between peers', label: undefined },
  aivillage_signaling_relayed_bytes_total: { help: 'Bytes of envelopes relayed', label: undefined },
  aivillage_signaling_carried_total: { help: 'Frames carried between peers', label: undefined },
  aivillage_signaling_carried_bytes_total: { help: 'Bytes of frames carried', label: undefined },
  aivillage_signaling_gone_total: {
    help: 'Envelopes and frames for somebody who is not in the room (any more)',
    label: undefined,
  },
  aivillage_bus_published_total: { help: 'Messages to other server processes', label: undefined },
  aivillage_bus_received_total: { help: 'Messages of other server processes', label: undefined },
  aivillage_bus_not_taken_total: {
    help: 'Messages lost because the bus was away or did not read',
    label: undefined,
  },
  aivillage_bus_malformed_total: { help: 'Messages on the bus that are none', label: undefined },
  aivillage_signaling_dropped_total: {
    help: 'Clients dropped: they flooded or did not read',
    label: undefined,
  },
  aivillage_alerts_total: { help: 'Alerts of tabs by what became of them', label: 'outcome' },
  aivillage_ledger_connections_total: { help: 'Ledger sockets accepted', label: undefined },
  aivillage_ledger_refused_total: { help: 'Messages on ledger sockets that were refused', label: undefined },
  aivillage_ledger_dropped_total: { help: 'Ledger sockets dropped: they did not read', label: undefined },
  aivillage_upgrades_refused_total: { help: 'WebSocket upgrades refused by status', label: 'status' },
  aivillage_signaling_refused_total: { help: 'Refusals sent to clients', label: 'code' },
} as const satisfies Record<string, { help: string; label: string | undefined }>;
type CounterName = keyof typeof counters;

export const createMetrics = (): Metrics => {
  const valuesByName = new Map<CounterName, Map<string, number>>();
  const gauges: { name: string; help: string; read: () => number }[] = [];
  return {
    count(name, label = '', by = 1) {
      const values = valuesByName.get(name) ?? new Map<string, number>();
      values.set(label, (values.get(label) ?? 0) + by);
      valuesByName.set(name, values);
    },
    gauge(name, help, read) {
      gauges.push({ name, help, read });
    },
    render() {
      const lines: string[] = [];
      for (const [name, { help, label }] of Object.entries(counters)) {
        lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} counter`);
        const values = valuesByName.get(name as CounterName) ?? new Map(label ? [] : [['', 0]]);
        for (const [value, total] of values)
          lines.push(`${name}${label ? `{${label}="${value}"}` : ''} ${total}`);
      }
      for (const { name, help, read } of gauges) {
        lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, `${name} ${read()}`);
      }
      return `${lines.join('\n')}\n`;
    },
  };
};
