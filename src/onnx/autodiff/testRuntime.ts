import * as ort from 'onnxruntime-web/wasm';
import { unwrap } from '../../core/result.ts';
import { encodeModel, joinChunks } from '../codec/index.ts';
import type { Model } from '../ir/types.ts';
import { type NdArray, ndArray } from '../reference/ndArray.ts';

/** The model on ONNX Runtime, once; its outputs, all of float32, as the reference would give them. */
export const runOnRuntime = async (
  model: Model,
  feeds: ReadonlyMap<string, NdArray>,
): Promise<ReadonlyMap<string, NdArray>> => {
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
  const session = await ort.InferenceSession.create(joinChunks(unwrap(encodeModel(model))));
  const found = await session.run(
    Object.fromEntries([...feeds].map(([name, array]) => [name, toOrt(array)])),
  );
  await session.release();
  return new Map(
    Object.entries(found).map(([name, { dims, data }]) => {
      if (!(data instanceof Float32Array)) throw new Error(`${name} is not float32`);
      return [name, ndArray('float32', [...dims], [...data])];
    }),
  );
};

const toOrt = ({ dtype, dims, values }: NdArray): ort.Tensor =>
  dtype === 'int64'
    ? new ort.Tensor('int64', BigInt64Array.from(values, BigInt), dims)
    : dtype === 'int32'
      ? new ort.Tensor('int32', Int32Array.from(values, Number), dims)
      : new ort.Tensor('float32', Float32Array.from(values, Number), dims);
