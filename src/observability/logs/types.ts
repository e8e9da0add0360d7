import type { LogFields, LogLevel } from '../../core/ports/telemetry.ts';

export type LogEntry = {
  /** Rises by one per entry of a tab. */
  readonly sequence: number;
  readonly at: number;
  readonly level: LogLevel;
  readonly component: string;
  readonly message: string;
  readonly fields: LogFields;
  readonly traceId: string | undefined;
  readonly spanId: string | undefined;
};

/** Level per component; `default` for all others. Changed at run time. */
export type LogLevels = Readonly<Record<string, LogLevel>>;

export type LogQuery = {
  readonly level: LogLevel;
  readonly component?: string;
  readonly text?: string;
  readonly traceId?: string;
  readonly from?: number;
  readonly to?: number;
  readonly limit: number;
};
