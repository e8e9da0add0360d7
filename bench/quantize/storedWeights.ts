import { unwrap } from '../../src/core/result.ts';
import type { Model, Node, Tensor } from '../../src/onnx/index.ts';
import { resolveTensor } from '../../src/onnx/index.ts';

/**
 * What the stored numbers of one product stand for, [rows, columns] as MatMul has them: written after the operators' own
 * definitions and not after the code that is measured.
 */
export const storedWeights = async (model: Model, weight: string): Promise<Float32Array> => {
  const product = model.graph.nodes.find(
    ({ op, inputs }) => products.has(op) && inputs[1]?.startsWith(`${weight}_`),
  );
  if (!product) throw new Error(`no product takes ${weight} in few bits`);
  return product.op === 'MatMulNBits' ? fromBlocks(model, product) : fromChannels(model, product);
};

export const floatWeights = async (model: Model, weight: string): Promise<Float32Array> =>
  new Float32Array((await bytesOf(model, weight)).buffer);

const products: ReadonlySet<string> = new Set(['MatMulNBits', 'DynamicQuantizeMatMul']);

/** https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.MatMulNBits */
const fromBlocks = async (model: Model, node: Node): Promise<Float32Array> => {
  const [, codesName, scalesName, pointsName] = node.inputs;
  const [length, channels, bits, block] = ['K', 'N', 'bits', 'block_size'].map((name) => {
    const attribute = node.attributes[name];
    return attribute?.type === 'int' ? Number(attribute.value) : Number.NaN;
  }) as [number, number, number, number];
  const codes = await bytesOf(model, codesName);
  const scales = new Float32Array((await bytesOf(model, scalesName)).buffer);
  const points = pointsName ? await bytesOf(model, pointsName) : undefined;
  const blocks = Math.ceil(length / block);
  const pointBytes = Math.ceil((blocks * bits) / 8);
  const code = (bytes: Uint8Array, first: number, at: number) =>
    ((bytes[first + Math.floor((at * bits) / 8)] ?? 0) >> ((at * bits) % 8)) % 2 ** bits;
  const weights = new Float32Array(length * channels);
  for (let channel = 0; channel < channels; channel++)
    for (let k = 0; k < length; k++) {
      const index = Math.floor(k / block);
      const point = points ? code(points, channel * pointBytes, index) : 2 ** (bits - 1);
      const stored = code(codes, (channel * blocks * block * bits) / 8, k);
      weights[k * channels + channel] = (stored - point) * (scales[channel * blocks + index] ?? 0);
    }
  return weights;
};

/** …#com.microsoft.DynamicQuantizeMatMul: B int8 [K, N], a scale for each column. */
const fromChannels = async (model: Model, { inputs }: Node): Promise<Float32Array> => {
  const codes = new Int8Array((await bytesOf(model, inputs[1])).buffer);
  const scales = new Float32Array((await bytesOf(model, inputs[2])).buffer);
  return Float32Array.from(codes, (code, i) => code * (scales[i % scales.length] ?? 0));
};

const bytesOf = async (model: Model, name = ''): Promise<Uint8Array<ArrayBuffer>> => {
  const tensor: Tensor | undefined = model.graph.initializers.get(name);
  if (!tensor) throw new Error(`the model has no ${name}`);
  return new Uint8Array(unwrap(await resolveTensor(tensor, () => Promise.resolve(undefined))));
};
