export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * What every component may say about itself. Fields carry ids and numbers, never contents: no image, no text, no
 * key.
 */
export interface Telemetry {
  log(level: LogLevel, component: string, message: string, fields?: LogFields): void;
  /** Adds to a counter named in Prometheus style (`tasks_done_total`). */
  count(name: string, by?: number, labels?: LogFields): void;
  /** One sample of a distribution (`rpc_seconds`). */
  observe(name: string, value: number, labels?: LogFields): void;
}

export const silentTelemetry: Telemetry = { log() {}, count() {}, observe() {} };
