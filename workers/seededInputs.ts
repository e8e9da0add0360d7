import type { HostTensor, HostTensors } from '../src/compute/runtimes/statefulSession.ts';
import { err, type Fault, fault, ok, type Result } from '../src/core/result.ts';
import { createStream, fillNormal } from '../src/onnx/build/random.ts';
import type { CompareSettings, InputSpec } from './protocol.ts';

/** More than a runtime is fed here at once: 64 million numbers. */
const maxElements = 2 ** 26;

/**
 * Values for one run, the same for the same seed everywhere: floats are normal, with mean 0 and deviation 1; masks are 1;
 * positions count; other integers are uniform below their bound.
 */
export const drawInputs = (
  feeds: readonly InputSpec[],
  settings: CompareSettings,
  run: number,
): Result<HostTensors, Fault> => {
  const drawn: Record<string, HostTensor> = {};
  let elements = 0;
  for (const feed of feeds) {
    const dims = sizedDims(feed, settings);
    if (!dims.ok) return dims;
    elements += dims.value.reduce((size, dim) => size * dim, 1);
    if (elements > maxElements)
      return err(fault('too-large', `The inputs have more than ${maxElements} numbers: take smaller sizes.`));
    const tensor = draw(feed, dims.value, settings, run);
    if (!tensor.ok) return tensor;
    drawn[feed.name] = tensor.value;
  }
  return ok(drawn);
};

const sizedDims = (feed: InputSpec, { sizes }: CompareSettings): Result<readonly number[], Fault> => {
  const dims: number[] = [];
  for (const dim of feed.dims) {
    const size = typeof dim === 'number' ? dim : sizes[dim];
    if (size === undefined || !Number.isSafeInteger(size) || size < 0)
      return err(
        fault('invalid', `Input "${feed.name}" needs a size for "${dim}": a whole number from 0 on.`),
      );
    dims.push(size);
  }
  return ok(dims);
};

const draw = (
  { name, dtype, obstacle }: InputSpec,
  dims: readonly number[],
  settings: CompareSettings,
  run: number,
): Result<HostTensor, Fault> => {
  const count = dims.reduce((size, dim) => size * dim, 1);
  const whole = () => wholeNumbers(name, dims, count, settings, run);
  switch (dtype) {
    case 'float32': {
      const data = new Float32Array(count);
      if (isMask(name)) data.fill(1);
      else fillNormal(data, createStream(settings.seed, `${run}/${name}`), 1);
      return ok({ dtype, dims, data });
    }
    case 'int64':
      return ok({ dtype, dims, data: BigInt64Array.from(whole(), BigInt) });
    case 'int32':
      return ok({ dtype, dims, data: Int32Array.from(whole()) });
    case 'uint8':
      return ok({ dtype, dims, data: Uint8Array.from(whole()) });
    case 'bool':
      return ok({ dtype, dims, data: Uint8Array.from(whole(), (value) => value % 2) });
    default:
      return err(
        fault('unsupported', `Input "${name}" can't be made: ${obstacle ?? `values of ${String(dtype)}`}.`),
      );
  }
};

const isMask = (name: string): boolean => /mask/i.test(name);

const wholeNumbers = (
  name: string,
  dims: readonly number[],
  count: number,
  { bounds, seed }: CompareSettings,
  run: number,
): Float64Array => {
  const values = new Float64Array(count);
  if (isMask(name)) return values.fill(1);
  const last = Math.max(1, dims.at(-1) ?? 1);
  if (/position/i.test(name)) return values.map((_, i) => i % last);
  const bound = Math.max(1, Math.floor(bounds[name] ?? 2));
  const words = createStream(seed, `${run}/${name}`);
  for (let i = 0; i < count; i += 4) {
    const block = words(i / 4);
    for (let j = 0; j < 4 && i + j < count; j++)
      values[i + j] = Math.floor(((block[j] ?? 0) / 2 ** 32) * bound);
  }
  return values;
};
