export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;
export type Level = 'debug' | 'info' | 'warn' | 'error';
const levels: readonly Level[] = ['debug', 'info', 'warn', 'error'];

export type Log = (level: Level, message: string, fields?: LogFields) => void;

/** One JSON object a line. Never given payloads, keys or links: what is not logged can't leak. */
export const createLog = (deps: { write(line: string): void; now(): Date }, minimum: Level): Log => {
  return (level, message, fields = {}) => {
    if (levels.indexOf(level) < levels.indexOf(minimum)) return;
    deps.write(`${JSON.stringify({ at: deps.now().toISOString(), level, message, ...fields })}\n`);
  };
};
