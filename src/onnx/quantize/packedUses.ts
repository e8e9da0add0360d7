import { err, ok, type Result } from '../../core/result.ts';
import { countOf } from '../ir/dataTypes.ts';
import type { Graph, Node, Tensor } from '../ir/types.ts';
import { type BlockFormat, channelBytes } from './blockEncoder.ts';
import type { MatrixShape } from './rows.ts';
import { type Consumers, consumersIn, intIn, isOnnx, type Use } from './uses.ts';

/** A weight in blocks, as `MatMulNBits` has it. */
export type Packed = {
  readonly codes: Named;
  readonly scales: Named;
  readonly points: Named | undefined;
  readonly shape: MatrixShape;
  readonly format: BlockFormat;
  readonly uses: readonly Use[];
  /** What stands between the scales and those who look the weight up, and the initializers that only that uses. */
  readonly dropped: readonly Node[];
  readonly constants: readonly string[];
};

type Named = { readonly name: string; readonly tensor: Tensor };

/** Each weight of a `MatMulNBits` by the name of its codes, or why it can't get another form. */
export const findPacked = (
  graph: Graph,
): readonly { readonly name: string; readonly found: Result<Packed, string> }[] => {
  const consumers = consumersIn(graph);
  const names = new Set(graph.nodes.filter(isProduct).map(({ inputs }) => inputs[1] ?? ''));
  return [...names].map((name) => ({ name, found: packedOf(graph, name, consumers) }));
};

const isProduct = ({ domain, op }: Node): boolean => domain === 'com.microsoft' && op === 'MatMulNBits';
const isLookup = ({ domain, op }: Node): boolean =>
  domain === 'com.microsoft' && op === 'GatherBlockQuantized';

const packedOf = (graph: Graph, name: string, consumers: Consumers): Result<Packed, string> => {
  const users = consumers.of(name);
  const first = users.find(({ node }) => isProduct(node))?.node;
  if (first === undefined) return err('no product uses it');
  const shape = { channels: intIn(first, 'N', Number.NaN), length: intIn(first, 'K', Number.NaN) };
  const bits = intIn(first, 'bits', 4);
  const block = intIn(first, 'block_size', Number.NaN);
  const [, , scaleName = '', pointName = ''] = first.inputs;
  if (bits !== 2 && bits !== 4 && bits !== 8) return err(`${bits} bits`);
  if (![shape.channels, shape.length, block].every((size) => Number.isSafeInteger(size) && size > 0))
    return err(`N ${shape.channels}, K ${shape.length}, block_size ${block}`);
  const format = { bits, block, points: pointName !== '' } as const;
  const parts = partsOf(graph, [name, scaleName, pointName], shape, format);
  if (!parts.ok) return parts;
  const dropped = new Set<Node>();
  const uses: Use[] = [];
  for (const { node, index } of users) {
    const use =
      index === (isProduct(node) ? 1 : 0) ? readUse(node, first, graph, consumers, dropped) : undefined;
    if (use === undefined) return err(`${node.op} "${node.name}" takes it as input ${index}`);
    uses.push(use);
  }
  const problem = otherUse(parts.value, new Set([...uses.map(({ node }) => node), ...dropped]), consumers);
  return problem === undefined
    ? ok({
        ...parts.value,
        shape,
        format,
        uses,
        dropped: [...dropped],
        constants: constantsOf(dropped, consumers),
      })
    : err(problem);
};

type Parts = Pick<Packed, 'codes' | 'scales' | 'points'>;

/** The tensors of a weight, of the types and sizes that they must have. */
const partsOf = (
  { initializers }: Graph,
  [codeName = '', scaleName = '', pointName = '']: readonly string[],
  { channels, length }: MatrixShape,
  format: BlockFormat,
): Result<Parts, string> => {
  const named = (name: string): Named | undefined => {
    const tensor = initializers.get(name);
    return tensor && { name, tensor };
  };
  const [codes, scales, points] = [named(codeName), named(scaleName), named(pointName)];
  const size = channelBytes(length, format);
  if (!codes || !scales || (pointName !== '' && !points)) return err('not all of it are initializers');
  if (codes.tensor.dtype !== 'uint8' || countOf(codes.tensor.dims) !== channels * size.codes)
    return err(`its codes are ${show(codes)}, not ${channels * size.codes} bytes`);
  if (scales.tensor.dtype !== 'float32' || countOf(scales.tensor.dims) !== channels * size.blocks)
    return err(`its scales are ${show(scales)}, not ${channels * size.blocks} of float32`);
  if (points && (points.tensor.dtype !== 'uint8' || countOf(points.tensor.dims) !== channels * size.points))
    return err(`its zero points are ${show(points)}, not ${channels * size.points} bytes`);
  return ok({ codes, scales, points });
};

const show = ({ tensor }: Named): string => `${tensor.dtype}[${tensor.dims.join()}]`;

const readUse = (
  node: Node,
  first: Node,
  graph: Graph,
  consumers: Consumers,
  dropped: Set<Node>,
): Use | undefined => {
  if (isProduct(node)) return productUse(node, first);
  return isLookup(node) ? lookupUse(node, first, graph, consumers, dropped) : undefined;
};

/** The same weight must be read the same way: N, K, blocks, scales and zero points. */
const productUse = (node: Node, first: Node): Use | undefined => {
  const [x = '', , , , order = '', bias = ''] = node.inputs;
  const same = ['N', 'K', 'bits', 'block_size'].every(
    (name) => intIn(node, name, 4) === intIn(first, name, 4),
  );
  const sameParts = [1, 2, 3].every((i) => (node.inputs[i] ?? '') === (first.inputs[i] ?? ''));
  if (!same || !sameParts || order !== '' || intIn(node, 'weight_prepacked', 0) !== 0) return undefined;
  return { kind: 'product', node, x, ...(bias === '' ? {} : { bias }) };
};

/**
 * As the quantiser writes it beside a product: codes and scales of three axes, the scales by a `Reshape`, and the result through
 * another, which joins a row's blocks and does nothing to rows that come whole.
 */
const lookupUse = (
  node: Node,
  first: Node,
  graph: Graph,
  consumers: Consumers,
  dropped: Set<Node>,
): Use | undefined => {
  const [, indices = '', scales = '', points = ''] = node.inputs;
  const [output = ''] = node.outputs;
  const reshape = graph.nodes.find(({ outputs }) => outputs[0] === scales);
  const isOurs =
    points === '' &&
    (first.inputs[3] ?? '') === '' &&
    reshape !== undefined &&
    isReshape(reshape) &&
    reshape.inputs[0] === first.inputs[2] &&
    consumers.of(scales).length === 1 &&
    intIn(node, 'bits', 4) === intIn(first, 'bits', 4) &&
    intIn(node, 'block_size', 128) === intIn(first, 'block_size', 0) &&
    intIn(node, 'gather_axis', 0) === 0 &&
    intIn(node, 'quantize_axis', 1) === 2 &&
    !consumers.isVisible(output) &&
    consumers.of(output).every((one) => isReshape(one.node) && one.index === 0);
  if (!isOurs) return undefined;
  dropped.add(reshape);
  return { kind: 'lookup', node, indices };
};

const constantsOf = (dropped: ReadonlySet<Node>, consumers: Consumers): readonly string[] =>
  [...dropped]
    .map(({ inputs }) => inputs[1] ?? '')
    .filter((name) => consumers.of(name).length === 1 && !consumers.isVisible(name));

const isReshape = (node: Node): boolean => isOnnx(node) && node.op === 'Reshape';

/** Scales or zero points that somebody else uses too, or any part that is seen from elsewhere. */
const otherUse = ({ codes, scales, points }: Parts, users: ReadonlySet<Node>, consumers: Consumers) => {
  for (const { name } of [codes, scales, ...(points ? [points] : [])]) {
    if (consumers.isVisible(name)) return `"${name}" is an input or output, or used in a graph within`;
    const other = consumers.of(name).find(({ node }) => !users.has(node));
    if (other) return `${other.node.op} "${other.node.name}" takes "${name}" as well`;
  }
  return undefined;
};
