import { createStore, type Store } from '../../core/events.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { SignalReader } from '../analytics/types.ts';
import type { HealthReport } from '../health/types.ts';
import type { LogEntry, LogQuery } from '../logs/types.ts';
import { defaultObjectives, type Objective, serviceLevels } from './levels.ts';
import { errorPatterns } from './patterns.ts';
import { rules } from './rules/index.ts';
import { saturationOf } from './saturation.ts';
import { createSignals } from './signals.ts';
import type { Advice } from './types.ts';

export type AdviceInput = {
  readonly reader: SignalReader;
  /** In any order. */
  readonly logs: readonly LogEntry[];
  readonly health: HealthReport | undefined;
  readonly now: number;
  readonly objectives?: readonly Objective[];
};

const maxRecommendations = 20;

/** All that can be said from what was measured. Pure; the most certain recommendations first. */
export const adviseFrom = ({
  reader,
  logs,
  health,
  now,
  objectives = defaultObjectives,
}: AdviceInput): Advice => {
  const signals = createSignals(reader, now);
  const recommendations = rules
    .flatMap((rule) => rule(signals, health))
    .sort((a, b) => b.confidence - a.confidence)
    .slice(0, maxRecommendations);
  return {
    at: now,
    levels: serviceLevels(signals, objectives),
    recommendations,
    saturation: saturationOf(signals),
    patterns: errorPatterns(logs, now),
  };
};

export type AdvisorDeps = {
  readonly reader: SignalReader;
  readonly searchLog: (query: LogQuery) => readonly LogEntry[] | Promise<readonly LogEntry[]>;
  readonly health: () => HealthReport | undefined;
  readonly clock: Clock;
};

export interface Advisor {
  /** Undefined before the first `refresh`. */
  readonly advice: Store<Advice | undefined>;
  /** A log that can't be read gives no patterns. Calls while one is under way share its end. */
  refresh(): Promise<void>;
}

const day = 24 * 3_600_000;
const maxEntries = 5_000;

/** Keeps the newest advice. Doesn't know when somebody wants another one. */
export const createAdvisor = (
  { reader, searchLog, health, clock }: AdvisorDeps,
  objectives: readonly Objective[] = defaultObjectives,
): Advisor => {
  const advice = createStore<Advice | undefined>(undefined);
  let underWay: Promise<void> | undefined;

  const readLog = async (now: number): Promise<readonly LogEntry[]> => {
    try {
      const found = await searchLog({ level: 'warn', from: now - day, to: now, limit: maxEntries });
      return found.toSorted((a, b) => a.at - b.at || a.sequence - b.sequence);
    } catch {
      return [];
    }
  };
  const refresh = async (): Promise<void> => {
    const now = clock.now();
    const logs = await readLog(now);
    advice.set(adviseFrom({ reader, logs, health: health(), now, objectives }));
  };

  return {
    advice,
    refresh() {
      underWay ??= refresh().finally(() => {
        underWay = undefined;
      });
      return underWay;
    },
  };
};
