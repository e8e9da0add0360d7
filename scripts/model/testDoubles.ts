import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unwrap } from '../../src/core/result.ts';
import { joinChunks, type Tensor, writeSafetensors } from '../../src/onnx/index.ts';
import type { Io } from './io.ts';
import { main } from './main.ts';

export type Ran = {
  readonly code: number;
  /** Lines on stdout. */
  readonly out: readonly string[];
  /** All of stderr. */
  readonly noted: string;
};

export type RunOptions = {
  readonly signal?: AbortSignal;
  readonly isTerminal?: boolean;
  /** Of the clock, between two looks at it. */
  readonly milliseconds?: number;
};

/** The command line in this process, in a folder of its own: paths in arguments are those of `at`. */
export const createShell = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'model-'));
  const run = async (args: readonly string[], options: RunOptions = {}): Promise<Ran> => {
    const out: string[] = [];
    let [noted, now] = ['', 0];
    const io: Io = {
      out: (line) => void out.push(line),
      note: (text) => {
        noted += text;
      },
      isTerminal: options.isTerminal ?? false,
      signal: options.signal ?? new AbortController().signal,
      now: () => {
        now += options.milliseconds ?? 0;
        return now;
      },
    };
    return { code: await main(args, io), out, noted };
  };
  return {
    at: (...names: readonly string[]) => join(folder, ...names),
    run,
    /** The one JSON object of a run that went well. */
    async json(args: readonly string[]): Promise<Record<string, unknown>> {
      const { code, out, noted } = await run([...args, '--json']);
      if (code !== 0) throw new Error(`${args.join(' ')}: ${noted}`);
      return JSON.parse(out.at(-1) ?? '');
    },
    remove: () => rm(folder, { recursive: true }),
  };
};

export type Shell = Awaited<ReturnType<typeof createShell>>;

export const writeTensors = async (
  path: string,
  tensors: Readonly<Record<string, Tensor>>,
): Promise<void> => {
  const chunks: Uint8Array[] = [];
  const write = async (chunk: Uint8Array) => void chunks.push(chunk);
  unwrap(await writeSafetensors(new Map(Object.entries(tensors)), undefined, write));
  await writeFile(path, joinChunks(chunks));
};
