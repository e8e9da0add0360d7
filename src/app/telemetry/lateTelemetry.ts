import { createStore, type Store, type WritableStore } from '../../core/events.ts';
import { emptyReport } from '../../observability/health/emptyReport.ts';
import type { PageTelemetry } from '../../observability/telemetry.ts';
import type { TelemetryCommands, TelemetryModels } from '../telemetryView.ts';
import type { TelemetryDeps } from './openTelemetry.ts';
import { defaultRetentionView, telemetrySettingsOf } from './settings.ts';

type Writable<Models> = {
  readonly [Name in keyof Models]: Models[Name] extends Store<infer Value> ? WritableStore<Value> : never;
};
/** What is filled once the watching has begun; the rest is the telemetry's own. */
export type FilledModels = Writable<Omit<TelemetryModels, 'log' | 'logLevels' | 'traces'>>;

export type LateTelemetry = {
  readonly models: TelemetryModels;
  readonly commands: TelemetryCommands;
  /** Begins to watch, once: after the page is there. */
  start(deps: Omit<TelemetryDeps, 'models'>): void;
};

/**
 * What looks after the page, for a page that must not wait for it: metrics, log and spans are taken from the first line on, and
 * what keeps, judges and tells them is loaded when the page stands. Until then commands wait.
 */
export const createLateTelemetry = (
  deps: {
    readonly telemetry: PageTelemetry;
    /** Brings its code. */
    readonly load: () => Promise<(deps: TelemetryDeps) => Promise<TelemetryCommands>>;
  },
  stored: Parameters<typeof telemetrySettingsOf>[0],
): LateTelemetry => {
  const { telemetry } = deps;
  const models: FilledModels = {
    health: createStore(emptyReport),
    alerts: createStore<readonly never[]>([]) as never,
    rules: createStore<readonly never[]>([]) as never,
    silences: createStore<readonly never[]>([]) as never,
    series: createStore<readonly never[]>([]) as never,
    analytics: createStore({
      series: 0,
      points: 0,
      bytes: 0,
      memoryBytes: 0,
      dropped: 0,
      problem: undefined,
    }) as never,
    retention: createStore(defaultRetentionView),
    swarmMetrics: createStore<readonly never[]>([]) as never,
    advice: createStore(undefined) as never,
    settings: createStore(telemetrySettingsOf(stored)),
    host: createStore(undefined) as never,
    dropped: createStore({}),
  };
  let opened: TelemetryCommands | undefined;
  let tellOpened: (commands: TelemetryCommands) => void = () => {};
  let tellFailed: (cause: unknown) => void = () => {};
  const opening = new Promise<TelemetryCommands>((resolve, reject) => {
    tellOpened = resolve;
    tellFailed = reject;
  });
  // A command that waits for it says so itself.
  opening.catch(() => {});
  let started = false;

  const later = <Name extends AsyncCommand>(name: Name): TelemetryCommands[Name] =>
    // Every one of them answers a promise, and is called with what it is called with here.
    (async (...given: never[]) => {
      const commands = opened ?? (await opening);
      return (commands[name] as (...given: never[]) => unknown)(...given);
    }) as unknown as TelemetryCommands[Name];

  return {
    models: {
      ...models,
      log: telemetry.entries,
      logLevels: telemetry.logs.levels,
      traces: telemetry.traces.traces,
    },
    start(given) {
      if (started) return;
      started = true;
      deps
        .load()
        .then((open) => open({ ...given, models }))
        .then((commands) => {
          opened = commands;
          tellOpened(commands);
        })
        .catch((cause: unknown) => {
          telemetry.log('error', 'telemetry', `nothing is watched in this tab: ${String(cause)}`);
          tellFailed(cause);
        });
    },
    commands: {
      describe: (metric) => opened?.describe(metric),
      markAlertsSeen: () => opened?.markAlertsSeen(),
      ...(Object.fromEntries(asyncCommands.map((name) => [name, later(name)])) as Pick<
        TelemetryCommands,
        AsyncCommand
      >),
    },
  };
};

const asyncCommands = [
  'chart',
  'trace',
  'traceOfJob',
  'exportTrace',
  'searchLog',
  'exportLog',
  'setLogLevel',
  'runHealthChecks',
  'recover',
  'silence',
  'endSilence',
  'runbook',
  'setRule',
  'testChannels',
  'setTelemetry',
  'setRetention',
  'report',
  'saveAnalytics',
  'loadAnalytics',
  'exportCsv',
  'forgetAnalytics',
  'refreshAdvice',
] as const satisfies readonly (keyof TelemetryCommands)[];
type AsyncCommand = (typeof asyncCommands)[number];
