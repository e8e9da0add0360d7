import type { ParseArgsConfig } from 'node:util';
import type { Io } from './io.ts';
import type { Options } from './options.ts';

/** One of the commands. What goes wrong in it is a `Stop`. */
export type Command = {
  /** A line for the list of commands. */
  readonly summary: string;
  /** What follows its name, and its options, a line each. */
  readonly usage: string;
  readonly options: NonNullable<ParseArgsConfig['options']>;
  /** False: it has said what is wrong with the files. */
  run(options: Options, io: Io): Promise<boolean>;
};
