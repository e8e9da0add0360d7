import type { Clock } from '../src/core/ports/clock.ts';
import type { LogFields, LogLevel } from '../src/core/ports/telemetry.ts';
import { redact } from '../src/observability/redact.ts';
import { createJsonLinesTelemetry } from '../src/platform/node/index.ts';

export type Log = (level: LogLevel, message: string, fields?: LogFields) => void;

/** One JSON object a line. Never given payloads, keys or links: what is not logged can't leak. */
export const createLog = (
  deps: { readonly write: (line: string) => void; readonly clock: Clock },
  minimumLevel: LogLevel,
): Log => {
  const telemetry = createJsonLinesTelemetry({ ...deps, redact }, { minimumLevel });
  return (level, message, fields) => telemetry.log(level, 'host', message, fields);
};
