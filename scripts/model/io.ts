import type { Result } from '../../src/core/result.ts';

/** What a command sees of the world it runs in, beside files. */
export type Io = {
  /** A result: a line on stdout. */
  out(line: string): void;
  /** What is said on the way: as it is, on stderr. */
  note(text: string): void;
  /** Whether stderr is one that a line can be drawn over on. */
  readonly isTerminal: boolean;
  readonly signal: AbortSignal;
  /** Milliseconds since some moment. */
  now(): number;
};

/** Why a command ends early. Thrown by commands, caught in `main` alone. */
export class Stop extends Error {
  /** 1: it failed; 2: it was asked for wrongly. */
  readonly exitCode: 1 | 2;
  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

export const misused = (message: string): Stop => new Stop(message, 2);

/** What a result has, or its fault as the end, with what it is about before it. */
export const taken = <T>(
  result: Result<T, { readonly code: string; readonly message: string }>,
  about?: string,
): T => {
  if (result.ok) return result.value;
  const { code, message } = result.error;
  throw new Stop(`${about === undefined ? '' : `${about}: `}${code}: ${message}`);
};

export const stopIfAsked = ({ signal }: Pick<Io, 'signal'>): void => {
  if (signal.aborted) throw new Stop('Stopped; nothing was written.');
};

/** A turn of the event loop, in which a Ctrl-C arrives. */
export const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The system's faults that a person can do something about, in words. */
export const sentenceOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return String(cause);
  const { code, path = '', dest } = cause as NodeJS.ErrnoException & { readonly dest?: string };
  const told = code === undefined ? undefined : systemFaults[code];
  return told === undefined
    ? cause.message
    : told((dest ?? path).replace(code === 'EEXIST' ? '' : /\.part$/, ''));
};

const systemFaults: Readonly<Partial<Record<string, (path: string) => string>>> = {
  ENOENT: (path) => `There is no ${path}, or its folder isn't there.`,
  EACCES: (path) => `${path} may not be opened: its permissions forbid it.`,
  EPERM: (path) => `${path} may not be changed: its permissions forbid it.`,
  EROFS: (path) => `${path} is on a disk that can only be read.`,
  ENOSPC: (path) =>
    `The disk is full${path ? ` at ${path}` : ''}: free some space, or write elsewhere with -o.`,
  EISDIR: (path) => `${path || 'What was named'} is a folder, and a file is needed.`,
  ENOTDIR: (path) => `${path} goes through a file as if it were a folder.`,
  EEXIST: (path) =>
    `${path} is there already: another run is writing it, or one was killed. If none is, remove it.`,
};
