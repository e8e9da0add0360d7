import { err, ok, type Result } from '../../core/result.ts';
import { int64Tensor } from '../build/tensors.ts';
import { int } from '../ir/attributes.ts';
import { dataTypeNumbers } from '../ir/dataTypes.ts';
import type { Node, Tensor } from '../ir/types.ts';
import { type BlockFormat, type BlockMethod, blockEncoder } from './blockEncoder.ts';
import { channelEncoder, floatEncoder } from './channelEncoder.ts';
import type { Encoder } from './encoders.ts';
import {
  castTo,
  contrib,
  type Fresh,
  inFloat32,
  makeNode,
  outputOf,
  suffixed,
  turnBack,
  withBias,
} from './nodes.ts';
import type { MatrixShape, WeightType } from './rows.ts';
import type { Use } from './uses.ts';

/** What weights are put into: blocks of codes, codes of 8 bits by channel, or float32. */
export type Target =
  | { readonly kind: 'blocks'; readonly format: BlockFormat; readonly method: BlockMethod }
  | { readonly kind: 'channels' }
  | { readonly kind: 'float32' };

export type Weight = {
  readonly name: string;
  readonly dims: readonly number[];
  readonly shape: MatrixShape;
  readonly type: WeightType;
  readonly uses: readonly Use[];
};

/** A weight in its new form: how it is computed, and what stands in the graph for each of its uses. */
export type Formed = {
  readonly encoder: Encoder;
  /** More initializers, small ones. */
  readonly constants: ReadonlyMap<string, Tensor>;
  readonly nodes: ReadonlyMap<Node, readonly Node[]>;
};

export type FormContext = {
  readonly fresh: Fresh;
  /** Undefined if it is not known. */
  readonly rankOf: (value: string) => number | undefined;
  /** Of ai.onnx. */
  readonly opset: number;
};

/** Why not, if this form doesn't fit one of the uses. */
export const formOf = (weight: Weight, target: Target, context: FormContext): Result<Formed, string> => {
  if (weight.uses.some(({ kind }) => kind === 'filter')) return filterForm(weight, target, context);
  const problem = unfit(weight, context);
  if (problem !== undefined) return err(problem);
  switch (target.kind) {
    case 'blocks':
      return blockForm(weight, target, context);
    case 'channels':
      return ok(channelForm(weight, context));
    case 'float32':
      return ok(floatForm(weight, context));
    default:
      return target satisfies never;
  }
};

const unfit = ({ uses }: Weight, { rankOf }: FormContext): string | undefined => {
  const isTied = uses.some(isLookup) && uses.some(isProduct);
  for (const use of uses) {
    if (use.kind === 'product' && rankOf(use.x) === 1)
      return `${use.node.op} "${use.node.name}" multiplies a vector`;
    if (use.kind === 'lookup' && isTied && rankOf(use.indices) === undefined)
      return `the rank of the indices of Gather "${use.node.name}" is not known`;
  }
  return undefined;
};

type Product = Extract<Use, { kind: 'product' }>;
type Lookup = Extract<Use, { kind: 'lookup' }>;
type Names = { readonly codes: string; readonly scales: string };
const isLookup = (use: Use) => use.kind === 'lookup';
const isProduct = (use: Use) => use.kind === 'product';

/**
 * A convolution's weights are only stored in 8 bits: they are floats again when it runs, and exact but for that. No runtime here
 * has a convolution of blocks.
 */
const filterForm = (
  weight: Weight,
  target: Target,
  { fresh, opset }: FormContext,
): Result<Formed, string> => {
  const { name, dims, shape, type, uses } = weight;
  if (target.kind !== 'channels') return err('convolutions have no form in blocks: int8 has one');
  const needed = type === 'float32' ? 13 : 19;
  if (opset < needed)
    return err(`DequantizeLinear by channel to ${type} came with opset ${needed}, the model has ${opset}`);
  const names = { codes: fresh(`${name}_quantized`), scales: fresh(`${name}_scale`) };
  const float = fresh(`${name}_dequantized`);
  const restore = makeNode('DequantizeLinear', '', float, [names.codes, names.scales], float, {
    axis: int(0),
  });
  const nodes = uses.map(({ node }, i): [Node, readonly Node[]] => {
    const inputs = node.inputs.with(1, float);
    return [node, [...(i === 0 ? [restore] : []), { ...node, inputs }]];
  });
  const layout = { names, dims, scaleDims: [shape.channels], order: 'channels', dtype: 'int8' } as const;
  return ok({ encoder: channelEncoder(shape, type, layout), constants: new Map(), nodes: new Map(nodes) });
};

/**
 * Tables that are looked up have no zero points: packed ones fail in WebGPU's GatherBlockQuantized (ONNX Runtime 1.30) where a
 * row has an odd number of blocks.
 */
const blockForm = (
  { name, shape, type, uses }: Weight,
  { format: asked, method }: Extract<Target, { kind: 'blocks' }>,
  context: FormContext,
): Result<Formed, string> => {
  const { fresh } = context;
  const format = { ...asked, points: asked.points && !uses.some(isLookup) };
  const { bits, block } = format;
  const padded = uses.some(isProduct);
  const { length } = shape;
  if (!padded && (length * bits) % 8 !== 0)
    return err(`rows of ${length} codes of ${bits} bits are no whole bytes`);
  if (padded && uses.some(isLookup) && length % block !== 0)
    return err(`it is looked up as well, and rows of ${length} are no whole blocks of ${block}`);
  const names = {
    codes: fresh(`${name}_Q${bits}`),
    scales: fresh(`${name}_scales`),
    points: fresh(`${name}_zero_points`),
  };
  const blocks: InBlocks = { names, shape, bits, block, points: format.points };
  const constants = new Map<string, Tensor>();
  const lookup = padded ? tiedLookup(blocks, constants, context) : tableLookup(blocks);
  const nodes = replace(uses, blockProduct(blocks, context), lookup);
  return ok({ encoder: blockEncoder(shape, format, method, type, { names, padded }), constants, nodes });
};

type InBlocks = {
  readonly names: Names & { readonly points: string };
  readonly shape: MatrixShape;
  readonly bits: number;
  readonly block: number;
  readonly points: boolean;
};

const blockProduct =
  ({ names, shape, bits, block, points }: InBlocks, { fresh }: FormContext) =>
  (use: Product): readonly Node[] =>
    withBias(use, fresh, (output) => {
      const inputs = [use.x, names.codes, names.scales, ...(points ? [names.points] : [])];
      const sizes = { K: int(shape.length), N: int(shape.channels), bits: int(bits), block_size: int(block) };
      return [makeNode('MatMulNBits', contrib, suffixed(use.node, `_Q${bits}`), inputs, output, sizes)];
    });

const tableLookup =
  ({ names, bits, block }: InBlocks) =>
  ({ node, indices }: Lookup): readonly Node[] => {
    const inputs = [names.codes, indices, names.scales];
    const sizes = { bits: int(bits), block_size: int(block) };
    const named = suffixed(node, `_Q${bits}`);
    return [makeNode('GatherBlockQuantized', contrib, named, inputs, outputOf(node), sizes)];
  };

/** Of three axes, as products have the codes, is the result: reshaping it and the scales keeps the codes there once. */
const tiedLookup =
  ({ names, shape, bits, block }: InBlocks, constants: Map<string, Tensor>, { fresh, rankOf }: FormContext) =>
  ({ node, indices }: Lookup): readonly Node[] => {
    const [scales, rows] = [fresh(`${names.scales}_by_block`), fresh(`${outputOf(node)}_by_block`)];
    const [scaleDims, rowDims] = [fresh(`${scales}_shape`), fresh(`${rows}_shape`)];
    const joined = [...Array<number>(rankOf(indices) ?? 0).fill(0), shape.length];
    constants.set(scaleDims, int64Tensor([3], [shape.channels, shape.length / block, 1]));
    constants.set(rowDims, int64Tensor([joined.length], joined));
    const inputs = [names.codes, indices, scales];
    const sizes = { bits: int(bits), block_size: int(block), quantize_axis: int(2) };
    return [
      makeNode('Reshape', '', scales, [names.scales, scaleDims], scales),
      makeNode('GatherBlockQuantized', contrib, suffixed(node, `_Q${bits}`), inputs, rows, sizes),
      makeNode('Reshape', '', rows, [rows, rowDims], outputOf(node)),
    ];
  };

/**
 * DynamicQuantizeMatMul is what ONNX Runtime makes of DynamicQuantizeLinear, MatMulInteger, Cast and Mul when it loads them: as
 * fast, and as it stands with every level of optimisation. What is also looked up has its rows as columns there: they are gathered
 * along the second axis, and the codes are there once. WebGPU has neither, and leaves both to the CPU; it does have the tables of bytes
 * and the convolutions.
 */
const channelForm = (weight: Weight, context: FormContext): Formed => {
  const { name, shape, type, uses } = weight;
  const { fresh } = context;
  const { channels, length } = shape;
  const names = { codes: fresh(`${name}_quantized`), scales: fresh(`${name}_scale`) };
  if (!uses.some(isProduct)) {
    const nodes = replace(uses, noProduct, byteLookup(names, length));
    const sizes = { dims: [channels, length], scaleDims: [channels, 1] };
    const layout = { names, ...sizes, order: 'channels', dtype: 'uint8' } as const;
    return { encoder: channelEncoder(shape, type, layout), constants: new Map(), nodes };
  }
  const product = (use: Product): readonly Node[] =>
    withBias(use, fresh, (output) =>
      inFloat32(use.x, output, type, fresh, (x, y) => {
        const inputs = [x, names.codes, names.scales];
        return makeNode('DynamicQuantizeMatMul', contrib, suffixed(use.node, '_quant'), inputs, y);
      }),
    );
  const nodes = replace(uses, product, columnLookup(names, type, context));
  const sizes = { dims: [length, channels], scaleDims: [channels] };
  const layout = { names, ...sizes, order: 'columns', dtype: 'int8' } as const;
  // The product takes scales of float32 only.
  return { encoder: channelEncoder(shape, 'float32', layout), constants: new Map(), nodes };
};

/** A row is one block: the smallest power of two that it fits in. */
const byteLookup =
  (names: Names, length: number) =>
  ({ node, indices }: Lookup): readonly Node[] => {
    const attributes = { bits: int(8), block_size: int(Math.max(16, 2 ** Math.ceil(Math.log2(length)))) };
    const inputs = [names.codes, indices, names.scales];
    const named = suffixed(node, '_quant');
    return [makeNode('GatherBlockQuantized', contrib, named, inputs, outputOf(node), attributes)];
  };

/** [length, …indices], scaled by […indices], and turned to […indices, length]. */
const columnLookup =
  (names: Names, type: WeightType, { fresh, rankOf }: FormContext) =>
  ({ node, indices }: Lookup): readonly Node[] => {
    const output = outputOf(node);
    const named = (part: string) => fresh(`${output}_${part}`);
    const [codes, floats, scales, columns] = [
      named('codes'),
      named('floats'),
      named('scales'),
      named('columns'),
    ];
    const rank = rankOf(indices) ?? 0;
    return [
      makeNode('Gather', '', codes, [names.codes, indices], codes, { axis: int(1) }),
      makeNode('Cast', '', floats, [codes], floats, { to: int(dataTypeNumbers.float32) }),
      makeNode('Gather', '', scales, [names.scales, indices], scales, { axis: int(0) }),
      makeNode('Mul', '', columns, [floats, scales], columns),
      ...castTo(type, output, fresh, (rows) => turnBack(node, columns, rows, rank)),
    ];
  };

const floatForm = ({ name, shape, uses }: Weight, { fresh, rankOf }: FormContext): Formed => {
  const weight = fresh(name);
  const order = uses.some(isProduct) ? 'columns' : 'channels';
  const product = (use: Product): readonly Node[] =>
    withBias(use, fresh, (output) => [makeNode('MatMul', '', use.node.name, [use.x, weight], output)]);
  const lookup = (use: Lookup): readonly Node[] => {
    const output = outputOf(use.node);
    if (order === 'channels')
      return [makeNode('Gather', '', use.node.name, [weight, use.indices], output, { axis: int(0) })];
    const columns = fresh(`${output}_columns`);
    return [
      makeNode('Gather', '', columns, [weight, use.indices], columns, { axis: int(1) }),
      turnBack(use.node, columns, output, rankOf(use.indices) ?? 0),
    ];
  };
  return {
    encoder: floatEncoder(shape, weight, order),
    constants: new Map(),
    nodes: replace(uses, product, lookup),
  };
};

/** Filters have a form of their own and don't come here. */
const replace = (
  uses: readonly Use[],
  product: (use: Product) => readonly Node[],
  lookup: (use: Lookup) => readonly Node[],
): ReadonlyMap<Node, readonly Node[]> =>
  new Map(
    uses.flatMap((use) => {
      if (use.kind === 'filter') return [];
      return [[use.node, use.kind === 'product' ? product(use) : lookup(use)] as const];
    }),
  );

const noProduct = (): readonly Node[] => [];
