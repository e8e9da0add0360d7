import { describe, expect, it } from 'vitest';
import { ok } from '../../core/result.ts';
import { createManualTime, createTestRandom, settle } from '../../mesh/testDoubles.ts';
import { createTelemetry, createTracer } from '../../observability/index.ts';
import type { TelemetryCommands } from '../telemetryView.ts';
import { createLateTelemetry } from './lateTelemetry.ts';
import type { TelemetryDeps } from './openTelemetry.ts';

type Open = (deps: TelemetryDeps) => Promise<TelemetryCommands>;

const late = (load: () => Promise<Open>) => {
  const { clock } = createManualTime();
  const telemetry = createTelemetry({ clock, random: createTestRandom(), createTracer });
  const watching = createLateTelemetry({ telemetry, load }, { shareMetrics: true });
  return { telemetry, watching, start: () => watching.start({} as Omit<TelemetryDeps, 'models'>) };
};
const commandsOf = (calls: unknown[][]): TelemetryCommands =>
  ({
    describe: (metric: string) => ({ help: metric, kind: 'gauge', unit: 'count', labels: [] }),
    markAlertsSeen: () => void calls.push(['markAlertsSeen']),
    async setTelemetry(...given: unknown[]) {
      calls.push(['setTelemetry', ...given]);
      return ok(undefined);
    },
  }) as unknown as TelemetryCommands;

describe('what looks after the page', () => {
  it('is loaded when it is started and once, and commands wait for it', async () => {
    const calls: unknown[][] = [];
    let loads = 0;
    const { watching, start } = late(async () => {
      loads++;
      return async () => commandsOf(calls);
    });
    const change = watching.commands.setTelemetry({ logs: false });
    expect(watching.commands.describe('x')).toBeUndefined();
    watching.commands.markAlertsSeen();
    await settle();
    expect([loads, calls]).toEqual([0, []]);
    start();
    start();
    expect(await change).toEqual(ok(undefined));
    expect([loads, calls]).toEqual([1, [['setTelemetry', { logs: false }]]]);
    watching.commands.markAlertsSeen();
    expect(watching.commands.describe('x')?.help).toBe('x');
    expect(calls).toHaveLength(2);
  });

  it('is filled into the same models that the page reads from the start', async () => {
    let given: TelemetryDeps | undefined;
    const { watching, start } = late(async () => async (deps) => {
      given = deps;
      return commandsOf([]);
    });
    expect(watching.models.settings.get().shareMetrics).toBe(true);
    start();
    await settle();
    given?.models.host.set({ collector: true, channels: [] });
    expect(watching.models.host.get()).toEqual({ collector: true, channels: [] });
  });

  it.each<[string, () => Promise<Open>]>([
    ['its code can’t be loaded', () => Promise.reject(new Error('a chunk is gone'))],
    ['it can’t be opened', async () => () => Promise.reject(new Error('a chunk is gone'))],
  ])('says so where %s: in the log, and to everybody who asks', async (_what, load) => {
    const { watching, telemetry, start } = late(load);
    const before = watching.commands.refreshAdvice();
    start();
    await expect(before).rejects.toThrow('a chunk is gone');
    await expect(watching.commands.searchLog({ level: 'debug', limit: 1 })).rejects.toThrow(
      'a chunk is gone',
    );
    expect(telemetry.entries.get().map(({ level, message }) => [level, message])).toEqual([
      ['error', 'nothing is watched in this tab: Error: a chunk is gone'],
    ]);
  });
});
