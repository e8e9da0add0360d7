import { createStore, type Store } from '../core/events.ts';
import type { Clock } from '../core/ports/clock.ts';
import { type LogFields, type LogLevel, silentSpan, type Telemetry } from '../core/ports/telemetry.ts';

export type LogEntry = {
  readonly at: number;
  readonly level: LogLevel;
  readonly component: string;
  readonly message: string;
  readonly fields: LogFields;
};

export type Observation = { readonly count: number; readonly sum: number; readonly last: number };

export interface PageTelemetry extends Telemetry {
  readonly log: Telemetry['log'];
  /** The newest entries, oldest first. */
  readonly entries: Store<readonly LogEntry[]>;
  counter(name: string): number;
  observation(name: string): Observation | undefined;
}

export type TelemetryOptions = {
  readonly keptEntries: number;
  /** Debug entries cost a re-render each; they are kept only when somebody looks for something. */
  readonly minimumLevel: LogLevel;
};

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];
/** Names beyond this many are not counted: a name made from data must not eat the tab's memory. */
const maxNames = 500;
/** Room secrets in links (also in one that is a parameter of another), and recovery keys however they were typed. */
const secrets = /(room(?:=|%3D))[\w-]{16,}|\bav1(?:[\s-]?[0-9A-Za-z]{5}){4,}/gi;
/** Messages may quote a stranger. */
const maxTextLength = 1_000;

/**
 * What the components of this tab say about themselves, in bounded memory. Doesn't leave the tab, and knows neither who
 * speaks nor who reads.
 */
export const createTelemetry = (
  deps: { readonly clock: Clock },
  options: TelemetryOptions = { keptEntries: 1_000, minimumLevel: 'info' },
): PageTelemetry => {
  const entries = createStore<readonly LogEntry[]>([]);
  const countersByName = new Map<string, number>();
  const observationsByName = new Map<string, Observation>();
  const hasRoom = (table: ReadonlyMap<string, unknown>, name: string) =>
    table.has(name) || table.size < maxNames;

  return {
    entries,
    counter: (name) => countersByName.get(name) ?? 0,
    observation: (name) => observationsByName.get(name),
    log(level, component, message, fields = {}) {
      if (levels.indexOf(level) < levels.indexOf(options.minimumLevel)) return;
      const entry = {
        at: deps.clock.now(),
        level,
        component,
        message: redact(message),
        fields: redactFields(fields),
      };
      entries.update((kept) => [...kept, entry].slice(-options.keptEntries));
    },
    count(name, by = 1, labels) {
      const key = withLabels(name, labels);
      if (hasRoom(countersByName, key)) countersByName.set(key, (countersByName.get(key) ?? 0) + by);
    },
    observe(name, value, labels) {
      const key = withLabels(name, labels);
      if (!hasRoom(observationsByName, key)) return;
      const { count, sum } = observationsByName.get(key) ?? { count: 0, sum: 0 };
      observationsByName.set(key, { count: count + 1, sum: sum + value, last: value });
    },
    gauge() {},
    span: () => silentSpan,
  };
};

const redact = (text: string): string => {
  const hidden = text
    .slice(0, maxTextLength + 100)
    .replace(secrets, (_match, room) => `${room ?? ''}[hidden]`);
  return hidden.length <= maxTextLength ? hidden : `${hidden.slice(0, maxTextLength)}…`;
};

const redactFields = (fields: LogFields): LogFields =>
  Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [key, typeof value === 'string' ? redact(value) : value]),
  );

const withLabels = (name: string, labels: LogFields | undefined): string =>
  labels
    ? `${name}{${Object.entries(labels)
        .map(([key, value]) => `${key}="${value}"`)
        .join(',')}}`
    : name;
