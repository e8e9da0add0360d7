/** Where a program of Prometheus is, if this machine has it. */
export function findProgram(name: 'prometheus' | 'promtool'): string | undefined;
export const howToInstall: string;
export type Output = { readonly ok: boolean; readonly output: string };
export function promtool(args: readonly string[], input?: string): Promise<Output>;
export type RunningPrometheus = {
  readonly url: string;
  /** What it was given: everything lies in a temporary folder. */
  readonly folder: string;
  /** Resolves when it has read the target once; rejects with what it says otherwise. */
  untilScraped(withinMs?: number): Promise<void>;
  /** One of its API's paths, as JSON; rejects with what it says if it refuses. */
  api(path: string, parameters?: Readonly<Record<string, string>>): Promise<unknown>;
  /** Ends it and removes what it wrote. Idempotent. */
  close(): Promise<void>;
};
/** Watches the server at `target` (an origin) by the repository's own rules, on a free port. */
export function startPrometheus(options: {
  readonly target: string;
  readonly everySeconds?: number;
  readonly port?: number;
}): Promise<RunningPrometheus>;
/** Configuration, rules, and their tests, in the words of promtool. */
export function checkDeployment(): Promise<readonly (Output & { readonly what: string })[]>;
