import type {
  Advice,
  AlertRule,
  AlertView,
  ChartQuery,
  ChartRange,
  HealthReport,
  LogEntry,
  SavedFile,
  SeriesInfo,
  Silence,
  SwarmMetric,
  TelemetryCommands,
  TelemetryModels,
  TelemetrySettings,
  TraceSummary,
  WaterfallRow,
} from '../app/telemetryView.ts';
import { createStore, type WritableStore } from '../core/events.ts';
import { err, ok } from '../core/result.ts';

/** Every state of the Health screen. */
export const telemetryScenarios = ['well', 'trouble', 'new', 'off'] as const;
export type TelemetryScenario = (typeof telemetryScenarios)[number];

type Writable<T> = T extends { get(): infer V } ? WritableStore<V> : never;
export type FixtureTelemetry = { readonly [K in keyof TelemetryModels]: Writable<TelemetryModels[K]> };

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

const metrics = {
  jobs_total: ['counter', 'Jobs that ended, by how.', 'count', 'outcome', ['done', 'failed']],
  tasks_done_total: [
    'counter',
    'Tasks that were done here.',
    'count',
    'kind',
    ['ocr.detect', 'ocr.recognize'],
  ],
  tasks_running: ['gauge', 'Tasks that run now.', 'count', '', ['']],
  rpc_seconds: [
    'histogram',
    'How long a call to another device took.',
    'seconds',
    'method',
    ['read', 'page', 'ping'],
  ],
  task_seconds: [
    'histogram',
    'How long a task took here.',
    'seconds',
    'kind',
    ['ocr.detect', 'ocr.recognize'],
  ],
  link_bytes_total: ['counter', 'Bytes over all links.', 'bytes', 'direction', ['in', 'out']],
  mesh_links_by_way: ['gauge', 'Links that are open.', 'count', 'way', ['direct', 'relayed']],
  memory_bytes: ['gauge', 'Memory of this tab.', 'bytes', '', ['']],
  main_thread_lag_seconds: ['histogram', 'How late the page answered.', 'seconds', '', ['']],
  ledger_height: ['gauge', 'Height of the ledger here.', 'count', '', ['']],
  ledger_step_seconds: ['histogram', 'How long a step of the ledger took.', 'seconds', '', ['']],
  storage_used_ratio: ['gauge', 'Share of the allowed storage that is used.', 'ratio', '', ['']],
} as const;
type MetricName = keyof typeof metrics;
const isMetric = (name: string): name is MetricName => Object.hasOwn(metrics, name);

const seriesOf = (at: number): readonly SeriesInfo[] =>
  (Object.keys(metrics) as MetricName[]).flatMap((name) => {
    const [kind, , , label, values] = metrics[name];
    return values.map((value) => ({
      key: label === '' ? name : `${name}{${label}="${value}"}`,
      name,
      labels: label === '' ? {} : { [label]: value },
      kind,
      from: at - 3 * day,
      to: at,
      points: 9_400,
    }));
  });

const checksOf = (at: number, trouble: boolean): HealthReport['checks'] => {
  const fine = {
    value: undefined,
    checkedAt: at - 4_000,
    because: undefined,
    mendable: true,
    recovery: { phase: 'none' },
  } as const;
  return [
    {
      id: 'swarm',
      title: 'Swarm',
      component: 'mesh',
      state: 'ok',
      message: '4 devices, 3 accept work.',
      since: at - 2 * hour,
      ...fine,
    },
    {
      ...fine,
      id: 'server',
      title: 'Server',
      component: 'signaling',
      state: trouble ? 'bad' : 'ok',
      message: trouble
        ? 'No answer for 40 s. Links between tabs go on; new devices cannot join until it is back.'
        : 'Answers in 4 ms.',
      value: trouble ? undefined : 4,
      since: trouble ? at - 41_000 : at - 5 * hour,
      recovery: trouble ? { phase: 'running', action: 'reconnect', since: at - 3_000 } : { phase: 'none' },
    },
    {
      ...fine,
      id: 'ledger',
      title: 'Ledger',
      component: 'ledger',
      state: trouble ? 'unknown' : 'ok',
      message: trouble ? 'Its keepers are asked over the server.' : 'At height 18,220, as everybody else.',
      since: at - 41_000,
      because: trouble ? 'server' : undefined,
    },
    {
      ...fine,
      id: 'engine',
      title: 'Reading engine',
      component: 'engine',
      state: trouble ? 'bad' : 'ok',
      message: trouble
        ? '3 of the last 8 tasks failed (limit 20 %): the GPU was lost twice.'
        : 'WebGPU, both models ready.',
      value: trouble ? 0.375 : 1,
      since: at - 12 * minute,
      recovery: trouble ? { phase: 'given-up', attempts: 3, until: at + 25 * minute } : { phase: 'none' },
    },
    {
      ...fine,
      id: 'storage',
      title: 'Storage',
      component: 'storage',
      state: 'warn',
      message: '83 % of what the browser allows is used (warns at 80 %). Delete old jobs.',
      value: 0.83,
      since: at - 26 * hour,
      recovery: trouble ? { phase: 'cooling', action: 'drop-cache', until: at + 90_000 } : { phase: 'none' },
    },
    {
      id: 'main-thread',
      title: 'Smoothness',
      component: 'page',
      state: 'ok',
      message: 'Longest pause in a job: 34 ms.',
      since: at - 3 * hour,
      ...fine,
      value: 34,
    },
  ];
};

const healthOf = (at: number, scenario: TelemetryScenario): HealthReport => {
  if (scenario === 'new' || scenario === 'off')
    return { state: 'unknown', score: 0, checks: [], incidents: [], mttrMs: undefined, at };
  const trouble = scenario === 'trouble';
  return {
    state: trouble ? 'bad' : 'warn',
    score: trouble ? 50 : 92,
    checks: checksOf(at, trouble),
    incidents: [
      ...(trouble
        ? [
            {
              check: 'server',
              startedAt: at - 41_000,
              endedAt: undefined,
              actions: [{ id: 'reconnect', at: at - 20_000, helped: false }],
              message: 'No answer for 40 s.',
            },
          ]
        : []),
      {
        check: 'engine',
        startedAt: at - 3 * hour,
        endedAt: at - 3 * hour + 74_000,
        actions: [
          { id: 'restart-worker', at: at - 3 * hour + 20_000, helped: false },
          { id: 'degrade-runtime', at: at - 3 * hour + 50_000, helped: true },
        ],
        message: 'The GPU was lost.',
      },
      {
        check: 'server',
        startedAt: at - 30 * hour,
        endedAt: at - 30 * hour + 22_000,
        actions: [],
        message: 'No answer for 12 s.',
      },
    ],
    mttrMs: 48_000,
    at,
  };
};

const alertOf = (at: number, index: number, change: Partial<AlertView>): AlertView => ({
  id: `alert-${index}`,
  rule: 'rpc-slow',
  title: 'Calls to other devices are slow',
  severity: 'ticket',
  group: 'mesh',
  state: 'firing',
  startedAt: at - 14 * minute,
  firedAt: at - 9 * minute,
  resolvedAt: undefined,
  message: '95 of 100 calls took up to 2.4 s in the last 5 minutes; 1 s is the limit.',
  advice: 'See which device is slow under Charts, device by device, and leave it out of the work.',
  runbook: 'docs/runbook.md#rpc-slow',
  series: 'rpc_seconds{method="read"}',
  silencedUntil: undefined,
  seen: false,
  ...change,
});

const alertsOf = (at: number, trouble: boolean): readonly AlertView[] => [
  ...(trouble
    ? [
        alertOf(at, 0, {
          rule: 'jobs-burn',
          title: 'Jobs fail faster than their error budget allows',
          severity: 'page',
          group: 'jobs',
          message: '12 of 80 jobs failed in the last hour: 14.4 times what 99 % allows.',
          advice: 'Look at the failed traces: most name the same device or the same model.',
          series: 'jobs_total{outcome="failed"}',
        }),
        alertOf(at, 1, {}),
        alertOf(at, 2, {
          title: 'Storage fills up',
          rule: 'storage-full',
          severity: 'info',
          group: 'device',
          series: 'storage_used_ratio',
          state: 'pending',
          firedAt: undefined,
          startedAt: at - minute,
          message: '83 % is used; 80 % is the limit.',
          advice: 'Delete old jobs.',
          silencedUntil: at + hour,
        }),
      ]
    : []),
  alertOf(at, 3, {
    state: 'resolved',
    startedAt: at - 5 * hour,
    firedAt: at - 5 * hour,
    resolvedAt: at - 5 * hour + 11 * minute,
    seen: true,
    severity: 'page',
    rule: 'server-gone',
    title: 'The server does not answer',
    group: 'device',
    series: undefined,
    message: 'No answer for 2 min 10 s.',
    advice: 'Ask whoever runs the host.',
  }),
];

const rules: readonly AlertRule[] = [
  {
    id: 'rpc-slow',
    title: 'Calls to other devices are slow',
    severity: 'ticket',
    group: 'mesh',
    condition: {
      kind: 'threshold',
      metric: 'rpc_seconds',
      of: 'p95',
      windowMs: 5 * minute,
      above: 1,
      minimumSamples: 20,
    },
  },
  {
    id: 'storage-full',
    title: 'Storage fills up',
    severity: 'info',
    group: 'device',
    condition: {
      kind: 'threshold',
      metric: 'storage_used_ratio',
      of: 'latest',
      windowMs: minute,
      above: 0.8,
    },
  },
  {
    id: 'jobs-burn',
    title: 'Jobs fail faster than their error budget allows',
    severity: 'page',
    group: 'jobs',
    condition: {
      kind: 'burn-rate',
      good: 'jobs_done_total',
      total: 'jobs_total',
      objective: 0.99,
      windows: [{ longMs: hour, shortMs: 5 * minute, factor: 14.4, severity: 'page' }],
      minimumEvents: 20,
    },
  },
  {
    id: 'memory-odd',
    title: 'Memory behaves unlike before',
    severity: 'info',
    group: 'device',
    condition: {
      kind: 'anomaly',
      metric: 'memory_bytes',
      method: 'robust-z',
      windowMs: 6 * hour,
      factor: 6,
      direction: 'above',
      minimumSamples: 120,
    },
  },
  {
    id: 'silent',
    title: 'Nothing is measured any more',
    severity: 'ticket',
    group: 'device',
    condition: { kind: 'absence', metric: 'memory_bytes', forMs: 5 * minute },
  },
  {
    id: 'server-gone',
    title: 'The server does not answer',
    severity: 'page',
    group: 'device',
    condition: { kind: 'health', check: 'server' },
  },
].map(
  (rule) =>
    ({
      forMs: 2 * minute,
      resolveAfterMs: 5 * minute,
      advice: 'See the runbook.',
      runbook: `docs/runbook.md#${rule.id}`,
      enabled: rule.id !== 'memory-odd',
      ...rule,
    }) as AlertRule,
);

const hex = (seed: number, length: number): string =>
  Array.from({ length }, (_, index) => (((seed + 7) * (index + 3) * 2_654_435_761) % 16).toString(16)).join(
    '',
  );

const traceNames = ['Read 3 pages', 'Join the room', 'Ledger step', 'Answer a call', 'Train a round'];
const tracesOf = (at: number): readonly TraceSummary[] =>
  Array.from({ length: 60 }, (_, index) => ({
    traceId: `${hex(index, 28)}${String(index).padStart(4, '0')}`,
    name: traceNames[index % traceNames.length] ?? 'Work',
    startedAt: at - index * 97_000 - 12_000,
    durationMs: index % 5 === 0 ? 3_240 + index * 311 : 40 + ((index * 997) % 900),
    spans: index === 5 ? 1_000 : 14 + (index % 9),
    failures: index % 7 === 5 ? 2 : 0,
    job: index % 5 === 0 ? (index === 0 ? 'job-streaming' : `job-${index}`) : undefined,
  }));

/** A job with pages, each with a detection and lines; every tenth span ran at another device, one has lost its parent. */
const waterfallOf = (trace: TraceSummary): readonly WaterfallRow[] => {
  const span = (
    index: number,
    parent: number | undefined,
    name: string,
    where: string,
    from: number,
    ms: number,
    rest: {
      readonly depth: number;
      readonly critical?: boolean;
      readonly failure?: string;
      readonly orphan?: boolean;
    },
  ): WaterfallRow => ({
    span: {
      context: {
        traceId: trace.traceId,
        spanId: hex(index + 11, 12) + String(index).padStart(4, '0'),
        sampled: true,
      },
      parentId: parent === undefined ? undefined : hex(parent + 11, 12) + String(parent).padStart(4, '0'),
      name,
      kind: where === 'tab' ? 'internal' : 'client',
      where,
      startedAt: trace.startedAt + from,
      endedAt: trace.startedAt + from + ms,
      fields: { index, peer: where.startsWith('peer') ? 'mKfX3kQ9' : undefined, bytes: 48_120 + index },
      events:
        index % 4 === 1
          ? [{ at: trace.startedAt + from + ms / 2, name: 'queued', fields: { behind: 2 } }]
          : [],
      failure: rest.failure,
    },
    depth: rest.depth,
    orphan: rest.orphan ?? false,
    offsetMs: from,
    durationMs: ms,
    selfMs: ms * 0.3,
    critical: rest.critical ?? false,
  });
  const total = trace.durationMs;
  const rows = [span(0, undefined, trace.name, 'tab', 0, total, { depth: 0, critical: true })];
  for (let index = 1; index < trace.spans; index++) {
    const from = (total * 0.92 * (index - 1)) / trace.spans;
    const inner = index % 4 !== 1;
    rows.push(
      span(
        index,
        inner ? index - (index % 4 === 0 ? 3 : (index % 4) - 1) : 0,
        inner ? (index % 2 === 0 ? 'ocr.recognize' : 'rpc read') : `Page ${Math.ceil(index / 4)}`,
        inner ? (index % 3 === 0 ? 'peer Kestrel' : 'worker') : 'tab',
        inner && index % 13 === 6 ? from - total * 0.06 : from,
        total * (inner ? 0.05 : 0.11),
        {
          depth: inner ? 2 : 1,
          critical: index % 4 === 2 || !inner,
          orphan: index === 7,
          ...(trace.failures > 0 && index === 6 ? { failure: 'The device fell silent for 3 s.' } : {}),
        },
      ),
    );
  }
  return rows;
};

const logOf = (at: number, count: number, traces: readonly TraceSummary[]): readonly LogEntry[] =>
  Array.from({ length: count }, (_, index) => {
    const pick = [
      { level: 'info', component: 'mesh', message: 'link opened', fields: { peer: 'mKfX3kQ9', ms: 412 } },
      {
        level: 'debug',
        component: 'rpc',
        message: 'call answered',
        fields: { kind: 'ocr.recognize', ms: 88 },
      },
      {
        level: 'info',
        component: 'coordinator',
        message: 'task given',
        fields: { task: `t-${index}`, peer: 'q7sVb2nT' },
      },
      {
        level: 'warn',
        component: 'coordinator',
        message: 'peer silent for 3 s: tasks taken back',
        fields: { tasks: 2 },
      },
      {
        level: 'error',
        component: 'pool',
        message: 'worker crashed and was replaced',
        fields: { worker: 1 },
      },
    ] as const;
    const entry = pick[index % 17 === 3 ? 3 : index % 41 === 7 ? 4 : index % 3] ?? pick[0];
    return {
      sequence: index,
      at: at - (count - index) * 731,
      ...entry,
      traceId: index % 3 === 2 ? traces[Math.floor(index / 3) % 12]?.traceId : undefined,
      spanId: undefined,
    };
  });

const percentilesOf = (scale: number) => ({
  count: Math.round(4_000 / scale),
  p50: 0.02 * scale,
  p95: 0.09 * scale,
  p99: 0.3 * scale,
  max: 1.4 * scale,
});
const swarmOf = (at: number): readonly SwarmMetric[] =>
  (['rpc_seconds', 'task_seconds', 'main_thread_lag_seconds'] as const).map((name, index) => ({
    name,
    description: { kind: 'histogram', help: metrics[name][1], unit: 'seconds', labels: [] },
    together: percentilesOf(index + 1),
    peers: ['Kestrel', 'Anna’s laptop', 'Study tablet with a rather long name'].map((peer, at2) => ({
      peer: `peer-${at2}`,
      name: peer,
      at: at - 20_000,
      measured: percentilesOf((index + 1) * (0.7 + at2 * 0.6)),
    })),
  }));

const adviceOf = (at: number): Advice => ({
  at: at - 3 * minute,
  levels: [
    {
      id: 'jobs',
      title: 'Jobs end with a text',
      objective: 0.99,
      windowMs: 7 * day,
      good: 1_240,
      total: 1_249,
      availability: 1_240 / 1_249,
      budgetLeft: 0.28,
      latency: { p50: 2.1, p95: 6.4, p99: 14.2 },
    },
    {
      id: 'rpc',
      title: 'Calls are answered',
      objective: 0.999,
      windowMs: 7 * day,
      good: 88_100,
      total: 88_250,
      availability: 88_100 / 88_250,
      budgetLeft: -0.7,
      latency: { p50: 0.02, p95: 0.3, p99: 1.2 },
    },
    {
      id: 'ledger',
      title: 'Operations become final',
      objective: 0.999,
      windowMs: 7 * day,
      good: 0,
      total: 0,
      availability: undefined,
      budgetLeft: undefined,
      latency: undefined,
    },
  ],
  recommendations: [
    {
      id: 'workers',
      title: 'Use one worker more',
      action: 'Raise the cores under This device from 3 to 4.',
      evidence: [
        'Tasks wait 340 ms in the median before they begin.',
        'Workers are busy 97 % of the time while 5 of 8 cores rest.',
      ],
      expectedGain: 'Pages about 22 % sooner',
      confidence: 0.8,
    },
  ],
  saturation: [
    {
      id: 'storage',
      title: 'Storage',
      now: 41_000_000_000,
      limit: 48_000_000_000,
      unit: 'bytes',
      reachedAt: { likely: at + 9 * day, earliest: at + 6 * day, latest: at + 21 * day },
      evidence: 'It grew by 0.8 GB a day over 7 days (p < 0.01).',
    },
    {
      id: 'memory',
      title: 'Memory of this tab',
      now: 180_000_000,
      limit: 4_000_000_000,
      unit: 'bytes',
      reachedAt: undefined,
      evidence: 'No trend over 3 days.',
    },
  ],
  patterns: [
    {
      pattern: 'worker <n> crashed and was replaced',
      component: 'pool',
      count: 22,
      firstAt: at - 5 * hour,
      lastAt: at - 4 * minute,
      example: 'worker 1 crashed and was replaced',
      change: 3.2,
    },
  ],
});

const settingsOf = (scenario: TelemetryScenario): TelemetrySettings => {
  const on = scenario !== 'off';
  return {
    metrics: on,
    traces: on,
    logs: on,
    traceSampling: 0.1,
    shareMetrics: false,
    exportTraces: false,
    notify: false,
    relayAlerts: false,
    charts: [],
  };
};

/** The same stores every time; `at` is the time on the wall. */
export const fixtureTelemetry = (scenario: TelemetryScenario, at: number): FixtureTelemetry => {
  const some = scenario === 'well' || scenario === 'trouble';
  const trouble = scenario === 'trouble';
  const traces = tracesOf(at);
  return {
    health: createStore(healthOf(at, scenario)),
    alerts: createStore(some ? alertsOf(at, trouble) : []),
    rules: createStore(rules),
    silences: createStore<readonly Silence[]>(
      trouble
        ? [
            {
              id: 'silence-1',
              match: { rule: 'storage-full' },
              from: at - hour,
              until: at + hour,
              reason: 'I delete jobs on Monday',
            },
          ]
        : [],
    ),
    series: createStore(some ? seriesOf(at) : []),
    analytics: createStore({
      series: some ? 19 : 0,
      points: some ? 178_400 : 0,
      bytes: some ? 2_410_000 : 0,
      memoryBytes: some ? 3_100_000 : 0,
      dropped: trouble ? 312 : 0,
      problem: trouble ? 'The disk is full: nothing was written since 18:02.' : undefined,
    }),
    retention: createStore({
      raw: { maxAgeMs: 7 * day, maxPoints: 10_000 },
      minute: { maxAgeMs: 30 * day },
      hour: { maxAgeMs: 365 * day },
    }),
    traces: createStore(some ? traces : []),
    log: createStore(some ? logOf(at, 900, traces) : []),
    logLevels: createStore({ default: 'info' as const, rpc: 'debug' as const }),
    swarmMetrics: createStore(some ? swarmOf(at) : []),
    advice: createStore<Advice | undefined>(some ? adviceOf(at) : undefined),
    settings: createStore(settingsOf(scenario)),
    host: createStore<
      | { readonly collector: boolean; readonly channels: readonly ('webhook' | 'slack' | 'email')[] }
      | undefined
    >(scenario === 'off' ? undefined : { collector: trouble, channels: trouble ? ['webhook', 'email'] : [] }),
    dropped: createStore<Readonly<Record<string, number>>>(
      trouble ? { 'not-finite': 3, cardinality: 309 } : {},
    ),
  };
};

const fileOf = (name: string, type: string, text: string): SavedFile => ({
  name,
  type,
  bytes: new TextEncoder().encode(text),
});

/** Waves with a gap in the third quarter of an hour; every key has its own. */
const chartOf = ({ keys, from, to, maxPoints, show }: ChartQuery): ChartRange => {
  const stepMs = Math.max(second, Math.ceil((to - from) / maxPoints / second) * second);
  const first = Math.ceil(from / stepMs) * stepMs;
  const time = Array.from(
    { length: Math.max(0, Math.floor((to - first) / stepMs) + 1) },
    (_, index) => (first + index * stepMs) / second,
  );
  const scale = show === 'p99' ? 3 : show === 'p95' ? 2 : 1;
  const lines = keys.map((key, at) => {
    const size = key.includes('bytes')
      ? 900_000
      : key.includes('seconds')
        ? 0.12
        : key.includes('ratio')
          ? 0.5
          : 6;
    const values = time.map((t) => {
      if (Math.floor(t / 60) % 60 > 50 && at % 2 === 0 && Math.floor(t / 60) % 60 < 54) return null;
      return (
        size * scale * (1 + at * 0.2 + 0.5 * Math.sin(t / (140 + at * 17)) + 0.2 * Math.sin(t / 23 + at))
      );
    });
    return { key, label: key, values };
  });
  return { time, lines, stepMs };
};

/** Answers at once; what changes stores changes them as the real app would. */
export const createFixtureTelemetryCommands = (
  models: FixtureTelemetry,
  note: (call: string) => void,
): TelemetryCommands => {
  const traceOf = (id: string) => models.traces.get().find((trace) => trace.traceId === id);
  return {
    chart: async (query) => ok(chartOf(query)),
    describe: (name) => {
      if (!isMetric(name)) return undefined;
      const [kind, help, unit, label] = metrics[name];
      return { kind, help, unit, labels: label === '' ? [] : [label] };
    },
    trace: async (id) => {
      const found = traceOf(id);
      return found ? waterfallOf(found) : [];
    },
    traceOfJob: async (job) => models.traces.get().find((trace) => trace.job === job)?.traceId,
    exportTrace: async (id) =>
      traceOf(id) ? fileOf(`trace-${id}.json`, 'application/json', '{}') : undefined,
    searchLog: async ({ text = '', component, traceId, level, from = 0, limit }) => {
      const levels = ['debug', 'info', 'warn', 'error'];
      const fits = (entry: LogEntry) =>
        levels.indexOf(entry.level) >= levels.indexOf(level) &&
        (component === undefined || entry.component === component) &&
        (traceId === undefined || entry.traceId === traceId) &&
        entry.at >= from &&
        `${entry.component} ${entry.message} ${JSON.stringify(entry.fields)}`
          .toLowerCase()
          .includes(text.toLowerCase());
      return models.log.get().filter(fits).toReversed().slice(0, limit);
    },
    exportLog: async () => fileOf('aivillage-log.jsonl', 'application/jsonl', ''),
    setLogLevel: async (component, level) =>
      models.logLevels.update((levels) => ({ ...levels, [component]: level })),
    runHealthChecks: async () => note('run checks'),
    recover: async (check) =>
      check === 'engine' ? err('The GPU is still away: reload the page.') : ok(note(`recover ${check}`)),
    silence: async (silence) => {
      models.silences.update((all) => [...all, { ...silence, id: `silence-${all.length + 1}` }]);
      return ok(undefined);
    },
    endSilence: async (id) => models.silences.update((all) => all.filter((silence) => silence.id !== id)),
    markAlertsSeen: () => models.alerts.update((all) => all.map((alert) => ({ ...alert, seen: true }))),
    setRule: async (id, change) => {
      models.rules.update((all) => all.map((rule) => (rule.id === id ? { ...rule, ...change } : rule)));
      return ok(undefined);
    },
    testChannels: async () => [
      { channel: 'page', outcome: 'shown' },
      { channel: 'email', outcome: 'the server refused the recipient (550): ask whoever runs the host' },
    ],
    setTelemetry: async (change) => {
      models.settings.update((settings) => ({ ...settings, ...change }));
      return ok(undefined);
    },
    setRetention: async (change) => {
      models.retention.update((policy) => ({ ...policy, ...change }));
      return ok(undefined);
    },
    report: async (format) => ok(fileOf(`aivillage-report.${format}`, 'text/plain', 'report')),
    saveAnalytics: async (format) =>
      ok(fileOf(`aivillage-analytics.${format}`, 'application/octet-stream', '')),
    loadAnalytics: async (file) =>
      file.size === 0
        ? err('The file is empty: choose one that was saved here.')
        : ok({
            format: 'json' as const,
            series: 19,
            points: 12_400,
            lost: ['Series rpc_seconds: 12 points had no time.'],
          }),
    exportCsv: async () => ok(fileOf('aivillage-series.csv', 'text/csv', 'time,value\n')),
    runbook: async () => [
      'Calls of one method take far longer than usual. High round trips: the network.',
      'Usual round trips: the peers are busy; look at their queues.',
    ],
    forgetAnalytics: async () => models.series.set([]),
    refreshAdvice: async () => note('advice'),
  };
};
