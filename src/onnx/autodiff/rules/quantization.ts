import { ok, type Result } from '../../../core/result.ts';
import type { OnnxFault } from '../../fault.ts';
import { int } from '../../ir/attributes.ts';
import { type Dims, type Name, sizeOf } from '../emitter.ts';
import { mul, reshape, scale, slice, sub, sum, unary } from '../math.ts';
import { gradients, type Rule, type Site, unsupported } from '../rule.ts';

/**
 * Whole numbers of 8 / `count` bits out of bytes, the first in the lowest: [...dims, n] to [...dims, n · count]. Each digit is what
 * a division leaves over, in float32, which holds whole numbers this small exactly: no backend shifts packed integers, and a
 * copy in another layout would be the weight a second time. Behind a DequantizeLinear the runtime keeps the bytes as they are,
 * where it would compute anything else of constants once and for all, in float32.
 */
const digitsOf = ({ e }: Site, bytes: Name, count: number): Name => {
  const dims = e.dims(bytes);
  const one = e.scalar(1);
  const whole = e.emit('DequantizeLinear', [bytes, one], dims);
  if (count === 1) return whole;
  const base = 2 ** (8 / count);
  const apart: Dims = [...dims, 1];
  const digits: Name[] = [];
  let rest = whole;
  for (let digit = 0; digit < count - 1; digit++) {
    const above = unary(e, 'Floor', scale(e, rest, 1 / base));
    digits.push(sub(e, rest, scale(e, above, base)));
    rest = above;
  }
  digits.push(rest);
  const joined = e.emit(
    'Concat',
    digits.map((digit) => reshape(e, digit, apart)),
    [...dims, count],
    { attributes: { axis: int(dims.length) } },
  );
  return reshape(e, joined, [...dims.slice(0, -1), (dims.at(-1) ?? 0) * count]);
};

/** Of MatMulNBits: `blocks` of `blockSize` numbers for each of n columns, each block with a scale and a zero point. */
type Blocks = {
  readonly k: number;
  readonly n: number;
  readonly bits: number;
  readonly blockSize: number;
  readonly blocks: number;
};

const blocksOf = ({ attribute }: Site): Blocks => {
  const [k, blockSize] = [attribute.int('K', 0), attribute.int('block_size', 1)];
  const blocks = Math.ceil(k / blockSize);
  return { k, n: attribute.int('N', 0), bits: attribute.int('bits', 4), blockSize, blocks };
};

/** [n, blocks, 1]. */
const pointsOf = (site: Site, { n, blocks, bits }: Blocks): Name => {
  const { e } = site;
  const points = site.inputs[3];
  if (!points) return e.scalar(2 ** (bits - 1));
  if (e.known(points)?.dtype !== 'uint8') return reshape(e, points, [n, blocks, 1]);
  const count = 8 / bits;
  const rows = reshape(e, points, [n, Math.ceil(blocks / count)]);
  const kept = slice(e, digitsOf(site, rows, count), [{ axis: 1, start: 0, length: blocks }]);
  return reshape(e, kept, [n, blocks, 1]);
};

/** W as [n, k], to the last bit what the operator multiplies with: (q − zero point) · scale. */
const dequantized = (site: Site, shape: Blocks): Name => {
  const { e, inputs } = site;
  const { n, k, blocks, blockSize, bits } = shape;
  const packed = reshape(e, inputs[1] ?? '', [n, blocks, (blockSize * bits) / 8]);
  const numbers = sub(e, digitsOf(site, packed, 8 / bits), pointsOf(site, shape));
  const weights = mul(e, numbers, reshape(e, inputs[2] ?? '', [n, blocks, 1]));
  return slice(e, reshape(e, weights, [n, blocks * blockSize]), [{ axis: 1, start: 0, length: k }]);
};

const checkBlocks = (site: Site, { n, k, bits, blockSize, blocks }: Blocks): Result<void, OnnxFault> => {
  if (site.wants(2) || site.wants(3))
    return unsupported(site, 'scales or zero points: quantized weights are frozen');
  if (site.inputs[4]) return unsupported(site, 'rows in an order of their own (g_idx)');
  if (site.attribute.int('weight_prepacked', 0) !== 0)
    return unsupported(site, 'weights packed for one machine (weight_prepacked)');
  if (![2, 4, 8].includes(bits)) return unsupported(site, `${bits} bits: 2, 4 and 8 have one`);
  const points = site.inputs[3] ? sizeOf(site.dims(3)) : undefined;
  const perColumn =
    site.e.known(site.inputs[3] ?? '')?.dtype === 'uint8' ? Math.ceil((blocks * bits) / 8) : blocks;
  const fits =
    site.dims(0).at(-1) === k &&
    sizeOf(site.dims(1)) === (n * blocks * blockSize * bits) / 8 &&
    sizeOf(site.dims(2)) === n * blocks &&
    (points === undefined || points === n * perColumn);
  if (fits) return ok(undefined);
  const shapes = [0, 1, 2].map((input) => `[${site.dims(input)}]`).join(', ');
  return unsupported(site, `inputs of ${shapes}, which K ${k}, N ${n} and block_size ${blockSize} don't fit`);
};

/** Y = X·Wᵀ with W [N, K] packed and frozen: dX = dY·W. */
const matMulNBits: Rule = (site) => {
  const { e } = site;
  const dy = site.grad(0);
  if (dy === undefined) return gradients();
  const shape = blocksOf(site);
  const checked = checkBlocks(site, shape);
  if (!checked.ok) return checked;
  const dx = () => e.emit('MatMul', [dy, dequantized(site, shape)], site.dims(0));
  const biasAxes = site.outputDims.slice(0, -1).map((_, axis) => axis);
  return gradients(
    site.wants(0) ? dx() : undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    site.wants(5) ? reshape(e, sum(e, dy, biasAxes, false), site.dims(5)) : undefined,
  );
};

export const quantizationRules: Readonly<Record<string, Rule>> = {
  'com.microsoft.MatMulNBits': matMulNBits,
};
