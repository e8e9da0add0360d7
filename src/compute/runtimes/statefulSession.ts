import { err, fault, type Result } from '../../core/result.ts';
import type { OrtModule } from './ort.ts';
import type { RuntimeError } from './runtime.ts';

/** A tensor in JavaScript's memory. Row-major. */
export type HostTensor = { readonly dims: readonly number[] } & (
  | { readonly dtype: 'float32'; readonly data: Float32Array }
  | { readonly dtype: 'int64'; readonly data: BigInt64Array }
  | { readonly dtype: 'int32'; readonly data: Int32Array }
  | { readonly dtype: 'uint8' | 'bool'; readonly data: Uint8Array }
);
export type HostTensors = Readonly<Record<string, HostTensor>>;

/** What a session carries from run to run: what comes out as `output` goes in as `input` next time. float32. */
export type StateTensor = {
  readonly input: string;
  readonly output: string;
  readonly dims: readonly number[];
  /** Before the first run. Undefined: zeros. */
  readonly initial: Float32Array | undefined;
};

/**
 * A model with a memory: weights that are trained, caches that grow. Knows how to keep the state where the model runs: on WebGPU
 * it stays in the GPU's buffers from run to run, on WebAssembly the runtime has no such thing and copies it in and out.
 * Doesn't know what the state means.
 */
export interface StatefulSession {
  /** Feeds all inputs but the state; gives all outputs but the state. After a failure the state is what it was before. */
  run(feeds: HostTensors): Promise<Result<HostTensors, RuntimeError>>;
  /** By the names of the inputs; copies. */
  read(): Promise<Result<ReadonlyMap<string, Float32Array>, RuntimeError>>;
  /** Replaces those that are named, all or none. */
  write(state: ReadonlyMap<string, Float32Array>): Promise<Result<void, RuntimeError>>;
  release(): Promise<void>;
}

type OrtSession = Awaited<ReturnType<OrtModule['InferenceSession']['create']>>;
type OrtTensor = InstanceType<OrtModule['Tensor']>;

export type StatefulParts = {
  readonly ort: OrtModule;
  readonly session: OrtSession;
  /** Runs one thing at a time, with the runtime's faults as values. */
  readonly exclusively: <T>(what: string, run: () => Promise<T>) => Promise<Result<T, RuntimeError>>;
};

/** The session must give each state's output where it is to stay: see `outputLocations`. */
export const statefulSessionOf = (
  { ort, session, exclusively }: StatefulParts,
  state: readonly StateTensor[],
): StatefulSession => {
  const byInput = new Map(state.map((one) => [one.input, one]));
  const inputOf = new Map(state.map(({ input, output }) => [output, input]));
  const held = new Map<string, OrtTensor>();
  for (const { input, dims, initial } of state)
    held.set(input, new ort.Tensor('float32', initial ?? new Float32Array(sizeOf(dims)), dims));

  const runOnce = async (feeds: HostTensors): Promise<HostTensors> => {
    const inputs: Record<string, OrtTensor> = Object.fromEntries(held);
    for (const [name, tensor] of Object.entries(feeds)) inputs[name] = toOrt(ort, tensor);
    const outputs = await session.run(inputs);
    const results: Record<string, HostTensor> = {};
    for (const [name, tensor] of Object.entries(outputs))
      if (!inputOf.has(name)) results[name] = await toHost(name, tensor as OrtTensor);
    // Only now, when everything has been read, does the new state replace the old one.
    for (const [output, input] of inputOf) {
      const next = outputs[output];
      if (!next) throw new Error(`the model has no output ${output}`);
      held.get(input)?.dispose();
      held.set(input, next as OrtTensor);
    }
    return results;
  };

  return {
    run: (feeds) => exclusively('the model could not be run', () => runOnce(feeds)),
    read: () =>
      exclusively('the state could not be read', async () => {
        const values = new Map<string, Float32Array>();
        for (const [input, tensor] of held) {
          // A tensor that was read lives on in JavaScript's memory and gives its buffer back.
          const data = await tensor.getData(tensor.location === 'gpu-buffer');
          values.set(input, Float32Array.from(data as Float32Array));
        }
        return values;
      }),
    async write(values) {
      for (const [name, data] of values) {
        const one = byInput.get(name);
        if (!one) return err(fault('failed', `the model carries no ${name}`));
        const size = sizeOf(one.dims);
        if (data.length !== size)
          return err(fault('failed', `${name} has ${size} numbers, and ${data.length} were given`));
      }
      return exclusively('the state could not be replaced', async () => {
        for (const [name, data] of values) {
          held.get(name)?.dispose();
          const dims = byInput.get(name)?.dims ?? [];
          held.set(name, new ort.Tensor('float32', Float32Array.from(data), dims));
        }
      });
    },
    async release() {
      await exclusively('the model could not be released', async () => {
        for (const tensor of held.values()) tensor.dispose();
        held.clear();
        await session.release();
      });
    },
  };
};

/** On the GPU what is state stays there, and all else comes back. */
export const outputLocations = (
  outputs: readonly string[],
  state: readonly StateTensor[],
): Readonly<Record<string, 'gpu-buffer' | 'cpu'>> => {
  const kept = new Set(state.map(({ output }) => output));
  return Object.fromEntries(outputs.map((name) => [name, kept.has(name) ? 'gpu-buffer' : 'cpu']));
};

const sizeOf = (dims: readonly number[]): number => dims.reduce((size, dim) => size * dim, 1);

const toOrt = (ort: OrtModule, tensor: HostTensor): OrtTensor =>
  new ort.Tensor(tensor.dtype as 'float32', tensor.data as Float32Array, tensor.dims) as OrtTensor;

const toHost = async (name: string, tensor: OrtTensor): Promise<HostTensor> => {
  const data = await tensor.getData(true);
  const { dims, type } = tensor;
  if (type === 'float32' && data instanceof Float32Array) return { dtype: type, data, dims };
  if (type === 'int64' && data instanceof BigInt64Array) return { dtype: type, data, dims };
  if (type === 'int32' && data instanceof Int32Array) return { dtype: type, data, dims };
  if ((type === 'uint8' || type === 'bool') && data instanceof Uint8Array) return { dtype: type, data, dims };
  throw new Error(`output ${name} is ${type}, which is not read here`);
};
