import type { Clock } from '../../core/ports/clock.ts';
import { type LogFields, type LogLevel, silentSpan, type Telemetry } from '../../core/ports/telemetry.ts';

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

export interface NodeTelemetry extends Telemetry {
  /** Of one component, from now on; without one of its own a component has the level of all. */
  setLevel(component: string, level: LogLevel): void;
}

/**
 * One JSON object a line, for machines that collect logs. Counts and observations are lines of level `debug`: whoever
 * reads the lines adds them up. Knows neither files nor terminals: `write` does. Nor where spans go: `span` does; without one
 * nothing is traced. `redact` hides what must not be written.
 */
export const createJsonLinesTelemetry = (
  deps: {
    readonly clock: Clock;
    readonly write: (line: string) => void;
    readonly span?: Telemetry['span'];
    readonly redact?: (text: string) => string;
  },
  options: {
    readonly minimumLevel: LogLevel;
    readonly levels?: Readonly<Record<string, LogLevel>>;
  } = { minimumLevel: 'info' },
): NodeTelemetry => {
  const levelOf = new Map<string, LogLevel>(Object.entries(options.levels ?? {}));
  const isWanted = (level: LogLevel, component: string) =>
    levels.indexOf(level) >= levels.indexOf(levelOf.get(component) ?? options.minimumLevel);
  const hide = (_key: string, value: unknown): unknown =>
    typeof value === 'string' && deps.redact ? deps.redact(value) : value;
  const writeLine = (
    level: LogLevel,
    component: string,
    rest: Readonly<Record<string, unknown>>,
    last: Readonly<Record<string, unknown>>,
  ) => {
    const at = new Date(deps.clock.now()).toISOString();
    deps.write(`${JSON.stringify({ at, level, ...rest, component, ...last }, hide)}\n`);
  };
  const sample = (kind: 'count' | 'observe' | 'gauge', name: string, value: number, labels?: LogFields) => {
    if (isWanted('debug', 'metrics')) writeLine('debug', 'metrics', labels ?? {}, { [kind]: name, value });
  };

  return {
    log(level, component, message, fields = {}) {
      if (!isWanted(level, component)) return;
      // A field can't pass itself off as the component or the message.
      const { level: _level, at: _at, ...rest } = fields;
      writeLine(level, component, rest, { message });
    },
    count: (name, by = 1, labels) => sample('count', name, by, labels),
    observe: (name, value, labels) => sample('observe', name, value, labels),
    gauge: (name, value, labels) => sample('gauge', name, value, labels),
    span: deps.span ?? (() => silentSpan),
    setLevel: (component, level) => void levelOf.set(component, level),
  };
};
