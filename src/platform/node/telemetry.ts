import type { Clock } from '../../core/ports/clock.ts';
import { type LogFields, type LogLevel, silentSpan, type Telemetry } from '../../core/ports/telemetry.ts';

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/**
 * One JSON object a line, for machines that collect logs. Counts and observations are lines of level `debug`: whoever
 * reads the lines adds them up. Knows neither files nor terminals: `write` does.
 */
export const createJsonLinesTelemetry = (
  deps: { readonly clock: Clock; readonly write: (line: string) => void },
  options: { readonly minimumLevel: LogLevel } = { minimumLevel: 'info' },
): Telemetry => {
  const writeLine = (level: LogLevel, rest: Readonly<Record<string, unknown>>) => {
    if (levels.indexOf(level) < levels.indexOf(options.minimumLevel)) return;
    deps.write(`${JSON.stringify({ at: new Date(deps.clock.now()).toISOString(), level, ...rest })}\n`);
  };
  const sample = (kind: 'count' | 'observe' | 'gauge', name: string, value: number, labels: LogFields = {}) =>
    writeLine('debug', { ...labels, component: 'metrics', [kind]: name, value });

  return {
    // A field can't pass itself off as the component or the message.
    log: (level, component, message, { level: _level, at: _at, ...fields } = {}) =>
      writeLine(level, { ...fields, component, message }),
    count: (name, by = 1, labels) => sample('count', name, by, labels),
    observe: (name, value, labels) => sample('observe', name, value, labels),
    gauge: (name, value, labels) => sample('gauge', name, value, labels),
    span: () => silentSpan,
  };
};
