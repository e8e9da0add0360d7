import type {
  AppModel,
  Consent,
  CreditsView,
  DeviceProfile,
  GpuProfile,
  InstallView,
  JobState,
  JobView,
  LedgerView,
  LineView,
  MeasuredSpeed,
  ModelsView,
  NetworkView,
  PageView,
  PeerView,
  PrivateSwarmView,
  PublicWorkView,
  ReceiptView,
  RoomView,
  RuntimeChoice,
  SelfView,
  ShareLimits,
  ThemeChoice,
  WorkShare,
} from '../app/readModels.ts';
import type {
  ByteCount,
  DeviceId,
  JobId,
  MilliCredits,
  Milliseconds,
  PeerId,
  ReceiptId,
  Sha256,
  TaskId,
} from '../core/brand.ts';
import { createStore, type WritableStore } from '../core/events.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Signature } from '../core/ports/crypto.ts';
import type { Timers } from '../core/ports/timers.ts';
import { ok } from '../core/result.ts';
import {
  createFixtureLedgerCommands,
  fixtureAccount,
  fixtureLedger,
  fixtureOwnAccount,
  type LedgerScenario,
} from './ledgerDoubles.ts';
import {
  createFixturePublicWorkCommands,
  fixturePublicWork,
  type PublicWorkScenario,
} from './publicWorkDoubles.ts';
import {
  createFixtureTelemetryCommands,
  type FixtureTelemetry,
  fixtureTelemetry,
  type TelemetryScenario,
} from './telemetryDoubles.ts';

/** 2026-03-01 18:24 UTC: dusk. */
export const fixtureStart = 1_772_389_440_000;

const names = [
  'Kestrel',
  'Anna’s laptop',
  'Blue Heron',
  'Old phone',
  'Workshop Mac',
  'Moss',
  'Study tablet with a rather long name',
  'Juniper',
  'Pi in the attic',
  'Nightingale',
  'Reception desk',
] as const;

const peerId = (index: number): PeerId =>
  `${['mK', 'zR', 'q7', 'Aa', 'x2', 'Lp', 'e9', 'vN', 'H3', 'tD', 'bW', 'Yc'][index % 12]}${'fX3kQ9sVb2nT6wLrJ0uE8yPiM4cZ1aGh5oD7xS'.slice(index, index + 30)}-${index}` as PeerId;

const fixtureSelf = peerId(11);

const gpu: GpuProfile = {
  kind: 'adapter',
  vendor: 'apple',
  architecture: 'metal-3',
  description: 'Apple M2',
  software: false,
  features: ['shader-f16', 'subgroups', 'timestamp-query'],
  limits: {
    maxBufferSize: (4 * 2 ** 30) as ByteCount,
    maxStorageBufferBindingSize: (4 * 2 ** 30 - 4) as ByteCount,
    maxComputeWorkgroupStorageSize: 32_768 as ByteCount,
    maxComputeInvocationsPerWorkgroup: 1024,
  },
};

const profiles: readonly DeviceProfile[] = [
  {
    label: 'Chrome 156 on Linux',
    mobile: false,
    cores: 8,
    memoryGiB: 16,
    gpu: { kind: 'none', reason: 'no WebGPU adapter' },
    battery: undefined,
    network: { effectiveType: '4g', downlinkMbps: 86, rtt: 20 as Milliseconds, saveData: false },
    storage: { quota: 48_000_000_000 as ByteCount, usage: 61_000_000 as ByteCount, persisted: true },
    crossOriginIsolated: true,
  },
  {
    label: 'Safari 20 on macOS',
    mobile: false,
    cores: 8,
    memoryGiB: undefined,
    gpu,
    battery: { charging: true, level: 0.82 },
    network: undefined,
    storage: { quota: 120_000_000_000 as ByteCount, usage: 40_000_000 as ByteCount, persisted: false },
    crossOriginIsolated: true,
  },
  {
    label: 'Chrome 156 on Android',
    mobile: true,
    cores: 6,
    memoryGiB: 4,
    gpu: { kind: 'none', reason: 'switched off in this browser' },
    battery: { charging: false, level: 0.37 },
    network: { effectiveType: '3g', downlinkMbps: 4.2, rtt: 180 as Milliseconds, saveData: true },
    storage: undefined,
    crossOriginIsolated: false,
  },
];

const speedOf = (runtime: MeasuredSpeed['runtime'], detect: number, recognize: number): MeasuredSpeed => ({
  runtime,
  threads: runtime === 'wasm' ? 2 : 1,
  workers: runtime === 'wasm' ? 3 : 1,
  megapixelsPerSecond: { 'ocr.detect': detect, 'ocr.recognize': recognize },
  version: 'ort-1.30',
  measuredAt: fixtureStart - 3_600_000,
});

const choice: RuntimeChoice = {
  chosen: 'webgpu',
  reason: 'WebGPU was 3.1× faster on this device.',
  measured: [speedOf('wasm', 1.42, 0.21), speedOf('webgpu', 12.6, 2.1)],
};

export const fixturePeer = (index: number, change: Partial<PeerView> = {}): PeerView => ({
  status: {
    peer: peerId(index),
    account: fixtureAccount(index % 7),
    device: `device-${index}` as DeviceId,
    name: names[index % names.length] ?? 'Peer',
    build: '0.1.0+4fa9c1',
    profile: profiles[index % profiles.length] ?? (profiles[0] as DeviceProfile),
    accepts: index % 5 === 3 ? { open: false, reason: 'on battery' } : { open: true },
    slots: 2 + (index % 4),
    queued: index % 3,
    speeds:
      index % 4 === 2 ? [] : [speedOf(index % 3 === 1 ? 'webgpu' : 'wasm', 2 + index, 0.4 + index / 10)],
    runtime: index % 4 === 2 ? undefined : index % 3 === 1 ? 'webgpu' : 'wasm',
    models: { 'ocr.detect': 'a1'.repeat(32) as Sha256, 'ocr.recognize': 'b2'.repeat(32) as Sha256 },
  },
  sameAccount: index === 1,
  sameDevice: false,
  rtt: (index % 4 === 2 ? 84 : 3.2 + index * 4.7) as Milliseconds,
  bytesSent: 1_204_331 * (index + 1),
  bytesReceived: 88_120 * (index + 1),
  link: 'neighbor',
  way: index % 6 === 4 ? 'carried' : index % 6 === 5 ? 'relayed' : 'direct',
  neighbors: [],
  connectedAt: fixtureStart - 600_000 + index * 20_000,
  workingForUs: 0,
  workingForIt: 0,
  tasksDone: 12 * index,
  wrong: index === 6 ? 2 : 0,
  breaker: index === 6 ? 'open' : 'closed',
  ...change,
});

const words = [
  'The village lay quiet under the first stars, and every',
  'window held its lamp as if somebody might still come',
  'home late by the river road. Down at the mill the wheel',
  'had stopped, but its water went on talking to itself.',
  'Total due 48.20   paid with thanks 1 March',
  '“Light is the one thing,” the old reader used to say,',
  'that grows when you give half of it away.',
  'Flour, 12 sacks at 3.15',
  'Lamp oil, 4 tins at 2.60',
];

/** Lines as they would stand on a 1000 × 1414 page. */
const linesOf = (page: number, count: number, readers: readonly PeerId[]): readonly LineView[] =>
  Array.from({ length: count }, (_, index) => {
    const left = 110;
    const top = 150 + index * 46;
    const width = 420 + ((index * 137 + page * 71) % 340);
    const quad: LineView['quad'] = [left, top, left + width, top + 1, left + width, top + 32, left, top + 31];
    return {
      id: `${page}-${index}`,
      quad,
      text: words[(index + page * 3) % words.length] ?? '',
      confidence: index % 11 === 7 ? 0.63 : index % 6 === 4 ? 0.86 : 0.985,
      peer: readers[(index * 7 + page) % readers.length] ?? fixtureSelf,
      checkedBy: index % 5 === 1 ? readers[(index + 1) % readers.length] : undefined,
    };
  });

const pageOf = (
  index: number,
  name: string,
  state: PageView['state'],
  lines: readonly LineView[],
): PageView => ({
  index,
  name,
  width: state.phase === 'failed' ? 0 : 1000,
  height: state.phase === 'failed' ? 0 : 1414,
  state,
  lines,
  expectedLines: state.phase === 'waiting' ? 0 : 24,
  milliCredits: (state.phase === 'done' ? 4_400 : 0) as MilliCredits,
  text: lines.map((line) => line.text).join('\n'),
});

const shareOf = (peer: PeerId, name: string, tasks: number, change: Partial<WorkShare> = {}): WorkShare => ({
  peer,
  name,
  runtime: 'wasm',
  tasks,
  lines: tasks * 4,
  milliCredits: (tasks * 1_337) as MilliCredits,
  lost: 0,
  wrong: 0,
  ...change,
});

const jobOf = (id: string, ago: number, state: JobState, change: Partial<JobView>): JobView => ({
  id: id as JobId,
  kind: 'ocr',
  createdAt: fixtureStart - ago,
  state,
  tasksDone: 22,
  tasksTotal: 22,
  pages: [],
  workers: [],
  events: [],
  ...change,
});

const readers = [fixtureSelf, peerId(0), peerId(1), peerId(2), peerId(4)];
const shares = (tasks: readonly number[]): readonly WorkShare[] =>
  readers.map((peer, index) =>
    shareOf(
      peer,
      index === 0 ? 'Lantern at home' : (names[[0, 1, 2, 4][index - 1] ?? 0] ?? 'Peer'),
      tasks[index] ?? 0,
      index === 3 ? { lost: 2, wrong: 1 } : {},
    ),
  );

const events = (count: number) =>
  [
    'Opened 3 pages; 22 tasks planned.',
    'Kestrel, Anna’s laptop and 2 more took the first tasks.',
    'Workshop Mac fell silent for 3 s: its 2 tasks went to Kestrel.',
    'Blue Heron’s answer to a line batch did not match the recheck by Kestrel: redone.',
    'Anna’s laptop was slow on one batch: also given to this device, first answer kept.',
    'Page letter.png is complete: 24 lines.',
  ]
    .slice(0, count)
    .map((text, index) => ({ at: fixtureStart - 9_000 + index * 1_400, text }));

export const fixtureJobs = {
  streaming: jobOf(
    'job-streaming',
    9_000,
    { phase: 'running' },
    {
      tasksDone: 13,
      pages: [
        pageOf(0, 'letter.png', { phase: 'done' }, linesOf(0, 24, readers)),
        pageOf(1, 'ledger-march.jpg', { phase: 'reading' }, linesOf(1, 11, readers)),
        pageOf(2, 'receipt.webp', { phase: 'detecting' }, []),
      ],
      workers: shares([4, 3, 4, 1, 1]),
      events: events(6),
    },
  ),
  done: jobOf(
    'job-done',
    3_700_000,
    { phase: 'done', wallMs: 3_240 as Milliseconds },
    {
      pages: [pageOf(0, 'minutes of the meeting.png', { phase: 'done' }, linesOf(2, 24, readers))],
      workers: shares([9, 6, 4, 2, 1]),
      events: events(4),
    },
  ),
  waiting: jobOf(
    'job-waiting',
    42_000,
    { phase: 'waiting', reason: 'no device in the room accepts work', retryAt: 14_600 as Milliseconds },
    {
      tasksDone: 6,
      tasksTotal: 14,
      pages: [pageOf(0, 'contract.png', { phase: 'reading' }, linesOf(3, 9, readers))],
      workers: shares([3, 3]),
      events: events(3),
    },
  ),
  failedPage: jobOf(
    'job-failed-page',
    7_300_000,
    { phase: 'done', wallMs: 1_870 as Milliseconds },
    {
      pages: [
        pageOf(
          0,
          'broken.jpg',
          {
            phase: 'failed',
            reason: 'The file ends after 12 kB although its header promises 340 kB: save or copy it again.',
          },
          [],
        ),
        pageOf(1, 'note.png', { phase: 'done' }, linesOf(1, 8, readers)),
      ],
      workers: shares([3, 2]),
      events: events(2),
    },
  ),
  cancelled: jobOf(
    'job-cancelled',
    90_000_000,
    { phase: 'cancelled' },
    {
      tasksDone: 4,
      pages: [pageOf(0, 'screenshot 2026-02-28.png', { phase: 'reading' }, linesOf(0, 7, readers))],
      workers: shares([2, 2]),
    },
  ),
} as const;

const receiptOf = (index: number): ReceiptView => {
  const direction = index % 7 === 5 ? 'own' : index % 3 === 0 ? 'spent' : 'earned';
  const other = fixtureAccount(index % 6);
  const me = fixtureOwnAccount;
  const key = (seed: number) => Uint8Array.from({ length: 32 }, (_, at) => (at * 37 + seed * 11) % 256);
  return {
    direction,
    state: index % 13 === 4 ? 'claim' : 'whole',
    otherName: index % 9 === 8 ? undefined : names[index % 6],
    receipt: {
      id: `${((index + 3) * 2654435761).toString(16)}${'c0ffee'.repeat(9)}`.slice(0, 64) as ReceiptId,
      workerSignature: key(1) as unknown as Signature,
      ...(index % 13 === 4 ? {} : { requesterSignature: key(2) as unknown as Signature }),
      body: {
        v: 1,
        unit: `unit-${index}` as TaskId,
        job: `job-${index % 5}` as JobId,
        kind: index % 4 === 0 ? 'ocr.detect' : 'ocr.recognize',
        model: 'b2'.repeat(32) as Sha256,
        input: '3c'.repeat(32) as Sha256,
        output: '9e'.repeat(32) as Sha256,
        requester: { account: direction === 'earned' ? other : me, deviceKey: key(3) },
        worker: { account: direction === 'earned' ? me : other, deviceKey: key(4) },
        cost: {
          milliCredits: (420 + ((index * 313) % 2_900)) as MilliCredits,
          pixels: 480_000 + index * 3_120,
          computeMs: 64 + ((index * 29) % 210),
          runtime: index % 3 === 1 ? 'webgpu' : 'wasm',
          threads: 2,
        },
        at: fixtureStart - index * 143_000,
      },
    },
  };
};

const creditsOf = (count: number): CreditsView => {
  const receipts = Array.from({ length: count }, (_, index) => receiptOf(index));
  const sum = (direction: ReceiptView['direction']) =>
    receipts
      .filter((view) => view.direction === direction && view.state === 'whole')
      .reduce((total, view) => total + view.receipt.body.cost.milliCredits, 0) as MilliCredits;
  return { earned: sum('earned'), spent: sum('spent'), receipts };
};

export const fixtureScenarios = [
  'first-visit',
  'empty-room',
  'streaming',
  'done',
  'waiting',
  'failed-page',
  'crowd',
  'no-storage',
  'refused',
] as const;
type FixtureScenario = (typeof fixtureScenarios)[number];

type Writable<T> = T extends { get(): infer V } ? WritableStore<V> : never;
type FixtureModels = {
  readonly [K in Exclude<keyof AppModel['models'], 'telemetry'>]: Writable<AppModel['models'][K]>;
} & { readonly telemetry: FixtureTelemetry };

const room = (connection: RoomView['connection']): RoomView => ({
  link: 'https://village.example:8443/#room=Zk3vQ9sVb2nT6wLrJ0uE8y',
  name: 'Quiet Harbour',
  connection,
});

const peersOf = (scenario: FixtureScenario): readonly PeerView[] => {
  if (scenario === 'first-visit') return [0, 1, 4].map((index) => fixturePeer(index));
  if (scenario === 'empty-room' || scenario === 'no-storage' || scenario === 'waiting') return [];
  if (scenario === 'crowd')
    return Array.from({ length: 11 }, (_, index) =>
      fixturePeer(index, { workingForUs: index % 3, workingForIt: index % 4 === 1 ? 1 : 0 }),
    );
  const busy = scenario === 'streaming';
  return [0, 1, 2, 4].map((index) =>
    fixturePeer(index, busy ? { workingForUs: (index % 3) + 1, workingForIt: index === 1 ? 1 : 0 } : {}),
  );
};

const jobsOf = (scenario: FixtureScenario): readonly JobView[] => {
  const { streaming, done, waiting, failedPage, cancelled } = fixtureJobs;
  switch (scenario) {
    case 'first-visit':
    case 'empty-room':
    case 'no-storage':
      return [];
    case 'waiting':
      return [waiting, done];
    case 'done':
      return [done, failedPage, cancelled];
    default:
      return [streaming, done, failedPage, cancelled];
  }
};

const installOf = (scenario: FixtureScenario): InstallView => {
  if (scenario === 'no-storage')
    return {
      state: 'unavailable',
      reason: 'This phone does not trust the host’s certificate yet: open /ca.crt.',
      offlineReady: false,
      updateReady: false,
    };
  return { state: 'available', reason: undefined, offlineReady: true, updateReady: scenario === 'crowd' };
};

const emptyBench: ModelsView = {
  file: { phase: 'none' },
  checks: { wasm: { phase: 'unknown' }, webgpu: { phase: 'unknown' } },
  work: { phase: 'none' },
  comparison: { phase: 'none' },
};

/** A small text model, quantised to int8 and compared. */
export const fixtureBench: ModelsView = {
  file: {
    phase: 'open',
    name: 'letters.onnx',
    description: {
      kind: 'onnx',
      bytes: 4_812_300,
      irVersion: 8,
      opsets: { 'ai.onnx': 17 },
      producer: 'pytorch 2.3.0',
      inputs: [],
      outputs: [],
      inputTypes: ['i64[batch,sequence]'],
      outputTypes: ['f32[batch,26]'],
      nodes: 31,
      functions: 0,
      ops: [
        ['MatMul', 12],
        ['Add', 11],
        ['Relu', 6],
        ['Gather', 2],
      ],
      parameters: 1_203_000,
      tensors: 26,
      tensorBytes: 4_812_000,
      bytesByType: [['float32', 4_812_000]],
      largest: [{ name: 'embedding.weight', dtype: 'float32', dims: [8_000, 64], bytes: 2_048_000 }],
      files: [],
      problems: [],
      missing: [],
      feeds: [{ name: 'ids', dtype: 'int64', dims: ['batch', 'sequence'], obstacle: undefined, rows: 8_000 }],
      sizes: [
        { name: 'batch', suggested: 1 },
        { name: 'sequence', suggested: 16 },
      ],
    },
    plans: [
      { recipe: 'int8', outcome: ok({ tensors: 13, skipped: [], bytesAfter: 1_230_400 }) },
      { recipe: 'q4', outcome: ok({ tensors: 13, skipped: [], bytesAfter: 760_200 }) },
      { recipe: 'q4-hqq', outcome: ok({ tensors: 13, skipped: [], bytesAfter: 760_200 }) },
      { recipe: 'ternary', outcome: ok({ tensors: 13, skipped: [], bytesAfter: 391_100 }) },
    ],
  },
  checks: {
    wasm: { phase: 'runs', openMs: 48 },
    webgpu: { phase: 'not-tried', reason: 'only a software GPU is here, slower than WebAssembly' },
  },
  work: {
    phase: 'done',
    recipe: 'int8',
    name: 'letters.int8.onnx',
    file: new Blob(),
    report: {
      bytesBefore: 4_812_300,
      bytesAfter: 1_230_400,
      ms: 212,
      tensors: [
        {
          name: 'embedding.weight',
          dims: [8_000, 64],
          scheme: 'int8',
          bytesBefore: 2_048_000,
          bytesAfter: 544_000,
          error: { rmse: 0.004, relative: 0.0083, max: 0.011 },
        },
      ],
      skipped: [{ name: 'position', reason: 'no node uses it' }],
    },
  },
  comparison: {
    phase: 'done',
    settings: { sizes: { batch: 1, sequence: 16 }, bounds: { ids: 8_000 }, runs: 4, seed: 1 },
    result: {
      runs: 4,
      msBefore: 3.1,
      msAfter: 2.2,
      outputs: [
        {
          name: 'logits',
          dims: [1, 26],
          relative: 0.0121,
          cosine: 0.99993,
          max: 0.08,
          sameTop: 1,
          notFinite: 0,
        },
      ],
    },
  },
};

const benchOf = (scenario: FixtureScenario): ModelsView => (scenario === 'done' ? fixtureBench : emptyBench);

/** Without storage the ledger's replica lasts as long as the tab, too. */
const ledgerOf = (scenario: FixtureScenario): LedgerScenario => {
  switch (scenario) {
    case 'empty-room':
      return 'new';
    case 'no-storage':
      return 'waiting';
    case 'waiting':
      return 'opening';
    case 'refused':
      return 'off';
    default:
      return 'open';
  }
};

const telemetryOf = (scenario: FixtureScenario): TelemetryScenario => {
  if (scenario === 'empty-room') return 'new';
  return scenario === 'no-storage' ? 'trouble' : 'well';
};

const modelsOf = (
  scenario: FixtureScenario,
  theme: ThemeChoice,
  ledger: LedgerScenario = ledgerOf(scenario),
  publicWork: PublicWorkScenario = scenario === 'empty-room' ? 'nothing' : 'working',
  telemetry: TelemetryScenario = telemetryOf(scenario),
): FixtureModels => {
  const idle = scenario === 'no-storage';
  return {
    self: createStore<SelfView>({
      peer: fixtureSelf,
      account: fixtureOwnAccount,
      device: 'device-self' as DeviceId,
      name: 'Lantern at home',
      build: '0.1.0+4fa9c1',
      profile: profiles[1],
      engine: idle
        ? { phase: 'loading', progress: 0.42, choice: undefined, error: undefined }
        : { phase: 'ready', progress: 1, choice, error: undefined },
      recoveryKeyPending: scenario === 'empty-room' || scenario === 'done',
      durable: scenario !== 'no-storage',
    }),
    consent: createStore<Consent | undefined>(scenario === 'first-visit' ? undefined : 'use-and-share'),
    limits: createStore<ShareLimits>({ cores: 6, gpu: true, onlyWhenCharging: false, paused: false }),
    room: createStore<RoomView>(
      room(
        scenario === 'no-storage'
          ? { phase: 'waiting', retryAt: 9_000 as Milliseconds, reason: 'server does not answer' }
          : { phase: 'joined' },
      ),
    ),
    peers: createStore(peersOf(scenario)),
    swarm: createStore<PrivateSwarmView | undefined>(undefined),
    network: createStore<NetworkView>({
      peers: peersOf(scenario).length + 1,
      neighbors: Math.min(peersOf(scenario).length, 8),
      direct: 0,
      relayed: peersOf(scenario).filter(({ way }) => way === 'relayed').length,
      carried: peersOf(scenario).filter(({ way }) => way === 'carried').length,
      slowest: peersOf(scenario).length > 0 ? 34 : undefined,
      toldPerMinute: 12,
      passedOnPerMinute: 87,
      refused: 0,
    }),
    refusals: createStore(
      scenario === 'refused' || scenario === 'crowd'
        ? [
            {
              peer: peerId(9),
              reason: 'It runs build 0.0.9, this tab runs 0.1.0: reload it.',
              at: fixtureStart - 4_000,
            },
            { peer: peerId(8), reason: 'Its signature does not match its id.', at: fixtureStart - 70_000 },
          ]
        : [],
    ),
    jobs: createStore(jobsOf(scenario)),
    credits: createStore(creditsOf(scenario === 'empty-room' || idle ? 0 : 148)),
    metrics: createStore({
      nodes: 5,
      openNodes: 4,
      jobsRunning: 1,
      tasksRunning: 6,
      tasksDone: 213,
      tasksReassigned: 4,
      tasksHedged: 3,
      checksMade: 21,
      checksFailed: 1,
      servedForOthers: 88,
    }),
    telemetry: fixtureTelemetry(telemetry, fixtureStart),
    install: createStore(installOf(scenario)),
    theme: createStore<ThemeChoice>(theme),
    bench: createStore<ModelsView>(benchOf(scenario)),
    ledger: createStore<LedgerView>(fixtureLedger(ledger, fixtureStart)),
    publicWork: createStore<PublicWorkView>(fixturePublicWork(publicWork)),
  };
};

/**
 * A scripted app: the same stores and answers every time. `pageFile` and `loadSamples` give what `images` holds;
 * commands change the stores as the real app would, and are noted in `calls`.
 */
export const createFixtureApp = (
  scenario: FixtureScenario,
  options: {
    readonly theme?: ThemeChoice;
    readonly ledger?: LedgerScenario;
    readonly publicWork?: PublicWorkScenario;
    readonly telemetry?: TelemetryScenario;
    readonly images?: readonly File[];
    readonly clock: Clock;
    readonly timers: Timers;
  },
): AppModel & { readonly models: FixtureModels; readonly calls: readonly string[] } => {
  const models = modelsOf(
    scenario,
    options.theme ?? 'system',
    options.ledger,
    options.publicWork,
    options.telemetry,
  );
  const calls: string[] = [];
  const images = options.images ?? [];
  const note = async (call: string) => void calls.push(call);
  const removeJob = (id: JobId) => models.jobs.update((jobs) => jobs.filter((job) => job.id !== id));
  return {
    models,
    calls,
    clock: options.clock,
    timers: options.timers,
    commands: {
      ...createFixtureLedgerCommands(models.ledger, {
        timers: options.timers,
        note: (call) => void calls.push(call),
      }),
      ...createFixturePublicWorkCommands(models.publicWork, (call) => void calls.push(call)),
      ...createFixtureTelemetryCommands(models.telemetry, (call) => void calls.push(call)),
      chooseConsent: async (consent) => models.consent.set(consent),
      setTheme: async (theme) => models.theme.set(theme),
      setLimits: async (limits) => models.limits.set(limits),
      rename: async (name) => models.self.update((self) => ({ ...self, name })),
      changeRoom: async (link) =>
        link === 'nonsense' ? { ok: false, error: 'This is no room link.' } : ok(undefined),
      foundSwarm: async () => ok(await note('found swarm')),
      administer: async (act) => ok(await note(act.t)),
      reconnect: () => void note('reconnect'),
      submitImages: async (files, audience) => {
        await note(`submit ${files.length} ${audience}`);
        const job = { ...fixtureJobs.streaming, id: 'job-new' as JobId, createdAt: fixtureStart };
        models.jobs.update((jobs) => [job, ...jobs]);
        return ok(job.id);
      },
      cancelJob: async (id) =>
        models.jobs.update((jobs) =>
          jobs.map((job) => (job.id === id ? { ...job, state: { phase: 'cancelled' } } : job)),
        ),
      removeJob: async (id) => removeJob(id),
      pageFile: async (_job, page) => images[page % Math.max(1, images.length)],
      exportJob: async (id, format) => {
        const job = models.jobs.get().find((entry) => entry.id === id);
        const text = job?.pages.map((page) => page.text).join('\n') ?? '';
        return job && new Blob([format === 'txt' ? text : JSON.stringify({ text })]);
      },
      loadSamples: async () => images,
      measureSpeed: () => note('measure'),
      revealRecoveryKey: async () => 'AVK1-7Q2M-9XKD-PLR4-0TZE-HW6B-3CJN-VYS8-5FGA-QM1T-D2RK-8LXW',
      confirmRecoveryKeySaved: async () =>
        models.self.update((self) => ({ ...self, recoveryKeyPending: false })),
      restoreAccount: async (key) =>
        key.startsWith('AVK1')
          ? ok(undefined)
          : { ok: false, error: 'A recovery key starts with AVK1: check what you pasted.' },
      exportReceipts: async () => new Blob(['[]']),
      verifyReceipt: async (id) =>
        models.credits.get().receipts.find((view) => view.receipt.id === id)?.state === 'claim'
          ? { ok: false, error: 'The requester’s signature is missing: this is only a claim.' }
          : ok(undefined),
      openModel: (files) => note(`open ${files.map(({ name }) => name).join()}`),
      openSampleModel: async () => models.bench.set(fixtureBench),
      closeModel: async () => models.bench.set(emptyBench),
      checkModel: () => note('check'),
      quantizeModel: (recipe) => note(`quantise ${recipe}`),
      compareModels: ({ runs }) => note(`compare ${runs}`),
      cancelModelWork: () => note('cancel'),
      discardQuantized: async () =>
        models.bench.update((bench) => ({
          ...bench,
          work: { phase: 'none' },
          comparison: { phase: 'none' },
        })),
      install: () => note('install'),
      applyUpdate: () => note('update'),
    },
  };
};
