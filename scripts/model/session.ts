/** Models on the runtime, in this process: for what a command has made to be tried. */
import {
  createRuntime,
  type HostTensor,
  type HostTensors,
  loadOrt,
  type Runtime,
} from '../../src/compute/index.ts';
import { joinChunks, type Model, type OpenExternal, writeModel } from '../../src/onnx/index.ts';
import { Stop, taken } from './io.ts';

export const openRuntime = async (): Promise<Runtime> =>
  taken(
    await createRuntime(
      { loadOrt, assets: undefined, sharedMemory: false, requestAdapter: undefined },
      { kind: 'wasm', threads: 1 },
    ),
  );

/** What the runtime's 32-bit heap can take of a model and still compute. */
const mostInMemory = 1.5e9;

/** The file as it would be written, in memory. */
export const modelBytes = async (model: Model, open?: OpenExternal): Promise<Uint8Array> => {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const write = async (chunk: Uint8Array): Promise<void> => {
    size += chunk.byteLength;
    if (size > mostInMemory)
      throw new Stop(
        `The model has more than ${mostInMemory / 1e9} GB, and the runtime here can't hold more: use a smaller one.`,
      );
    chunks.push(chunk);
  };
  taken(await writeModel(model, write, open));
  return joinChunks(chunks);
};

export type Runner = { run(feeds: HostTensors): Promise<HostTensors>; release(): Promise<void> };

export const runnerOf = async (runtime: Runtime, model: Model, open?: OpenExternal): Promise<Runner> => {
  const outputs = model.graph.outputs.map(({ name }) => name);
  const session = taken(
    await runtime.createStatefulSession(await modelBytes(model, open), { outputs, state: [] }),
  );
  return { run: async (feeds) => taken(await session.run(feeds)), release: () => session.release() };
};

/** One run, and nothing left of it. */
export const runModel = async (
  runtime: Runtime,
  model: Model,
  feeds: HostTensors,
  open?: OpenExternal,
): Promise<HostTensors> => {
  const runner = await runnerOf(runtime, model, open);
  try {
    return await runner.run(feeds);
  } finally {
    await runner.release();
  }
};

export type Difference = {
  /** Norm of the difference ÷ norm of the first, over all float outputs. */
  readonly relative: number;
  /** The largest of one element. */
  readonly maxAbs: number;
  /** How often the greatest along the last axis is the same; undefined where no output has several. */
  readonly argmax: number | undefined;
};

export const compareOutputs = (before: HostTensors, after: HostTensors): Difference => {
  let [square, norm, maxAbs, same, rows] = [0, 0, 0, 0, 0];
  for (const [name, a] of Object.entries(before)) {
    const b = after[name];
    if (b === undefined || b.data.length !== a.data.length)
      throw new Stop(`Output '${name}' is [${a.dims}], and afterwards ${b ? `[${b.dims}]` : 'not there'}.`);
    for (let at = 0; at < a.data.length; at++) {
      const [x, y] = [Number(a.data[at] ?? 0), Number(b.data[at] ?? 0)];
      const difference = Math.abs(x - y);
      // Equal infinities are equal, as masks have them.
      if (x === y) {
        norm += Number.isFinite(x) ? x * x : 0;
        continue;
      }
      square += difference ** 2;
      norm += x * x;
      if (!(difference <= maxAbs)) maxAbs = difference;
    }
    const found = sameArgmax(a, b);
    same += found.same;
    rows += found.rows;
  }
  return {
    relative: square === 0 ? 0 : Math.sqrt(square / norm),
    maxAbs,
    argmax: rows === 0 ? undefined : same / rows,
  };
};

/** Caches of keys and values have axes of features: only outputs of scores have classes there. */
const sameArgmax = (a: HostTensor, b: HostTensor): { readonly same: number; readonly rows: number } => {
  const classes = a.dims.at(-1) ?? 1;
  if (a.dtype !== 'float32' || b.dtype !== 'float32' || a.dims.length > 3 || classes < 2)
    return { same: 0, rows: 0 };
  const rows = a.data.length / classes;
  let same = 0;
  for (let row = 0; row < rows; row++)
    if (argmax(a.data, row * classes, classes) === argmax(b.data, row * classes, classes)) same++;
  return { same, rows };
};

const argmax = (data: Float32Array, from: number, length: number): number => {
  let best = 0;
  for (let at = 1; at < length; at++) if ((data[from + at] ?? 0) > (data[from + best] ?? 0)) best = at;
  return best;
};
