import { int } from '../../ir/attributes.ts';
import { type Dims, type Name, sizeOf } from '../emitter.ts';
import { axisOf, mul, reshape, scale, sum, transposeMatrix, unbroadcast } from '../math.ts';
import { gradients, type Rule, unsupported } from '../rule.ts';

const product = (a: Dims, b: Dims): Dims => {
  const rank = Math.max(a.length, b.length) - 2;
  const batch = Array.from({ length: rank }, (_, axis) => {
    const [one, other] = [a[axis + a.length - rank - 2] ?? 1, b[axis + b.length - rank - 2] ?? 1];
    return one === 1 ? other : one;
  });
  return [...batch, a.at(-2) ?? 1, b.at(-1) ?? 1];
};

/** dA = dY·Bᵀ, dB = Aᵀ·dY, summed over what was broadcast. Vectors are matrices of one row or column meanwhile. */
const matMul: Rule = (site) => {
  const { e } = site;
  const [a, b] = site.inputs;
  const dy = site.grad(0);
  if (a === undefined || b === undefined || dy === undefined) return gradients();
  const [aDims, bDims] = [site.dims(0), site.dims(1)];
  const left = aDims.length === 1 ? reshape(e, a, [1, ...aDims]) : a;
  const right = bDims.length === 1 ? reshape(e, b, [...bDims, 1]) : b;
  const dyMatrix = reshape(e, dy, product(e.dims(left), e.dims(right)));
  const multiply = (x: Name, y: Name) => e.emit('MatMul', [x, y], product(e.dims(x), e.dims(y)));
  const dLeft = () => unbroadcast(e, multiply(dyMatrix, transposeMatrix(e, right)), e.dims(left));
  /** One weight for many rows: all rows in one product, instead of one for each of the batch and their sum. */
  const dShared = () => {
    const [rows, columns] = [e.dims(left).at(-1) ?? 1, e.dims(dyMatrix).at(-1) ?? 1];
    const many = sizeOf(e.dims(left)) / rows;
    const flat = { x: reshape(e, left, [many, rows]), dy: reshape(e, dyMatrix, [many, columns]) };
    return e.emit('Gemm', [flat.x, flat.dy], [rows, columns], { attributes: { transA: int(1) } });
  };
  const dRight = () => {
    if (e.dims(right).length === 2) return dShared();
    return unbroadcast(e, multiply(transposeMatrix(e, left), dyMatrix), e.dims(right));
  };
  return gradients(
    site.wants(0) ? reshape(e, dLeft(), aDims) : undefined,
    site.wants(1) ? reshape(e, dRight(), bDims) : undefined,
  );
};

/** Y = α·A′·B′ + β·C, where a prime is a transposition or none. */
const gemm: Rule = (site) => {
  const { e, attribute } = site;
  const [a, b] = site.inputs;
  const dy = site.grad(0);
  if (a === undefined || b === undefined || dy === undefined) return gradients();
  const alpha = attribute.float('alpha', 1);
  const [transA, transB] = [attribute.int('transA', 0) !== 0, attribute.int('transB', 0) !== 0];
  const multiply = (x: Name, y: Name, dims: Dims, turnX: boolean, turnY: boolean) => {
    const attributes = { ...(turnX ? { transA: int(1) } : {}), ...(turnY ? { transB: int(1) } : {}) };
    return scale(e, e.emit('Gemm', [x, y], dims, { attributes }), alpha);
  };
  const dA = () =>
    transA ? multiply(b, dy, site.dims(0), transB, true) : multiply(dy, b, site.dims(0), false, !transB);
  const dB = () =>
    transB ? multiply(dy, a, site.dims(1), true, transA) : multiply(a, dy, site.dims(1), !transA, false);
  return gradients(
    site.wants(0) ? dA() : undefined,
    site.wants(1) ? dB() : undefined,
    site.wants(2) ? unbroadcast(e, scale(e, dy, attribute.float('beta', 1)), site.dims(2)) : undefined,
  );
};

/** dx = y ⊙ (dy − Σ dy ⊙ y), along the axis. */
const softmax: Rule = (site) => {
  const { e } = site;
  const dy = site.grad(0);
  if (dy === undefined) return gradients();
  const axis = axisOf(site.attribute.int('axis', -1), site.outputDims.length);
  const y = site.output(0, site.outputDims);
  const weighted = mul(e, dy, y);
  const total = mul(e, y, sum(e, weighted, [axis]));
  return gradients(e.emit('Sub', [weighted, total], site.outputDims));
};

/** dx = dy − softmax(x)·Σ dy. */
const logSoftmax: Rule = (site) => {
  const { e } = site;
  const dy = site.grad(0);
  if (dy === undefined) return gradients();
  const axis = axisOf(site.attribute.int('axis', -1), site.outputDims.length);
  const y = e.emit('Exp', [site.output(0, site.outputDims)], site.outputDims);
  return gradients(e.emit('Sub', [dy, mul(e, y, sum(e, dy, [axis]))], site.outputDims));
};

/** `ab,bc->ac` and the like: the gradient of an operand is an Einsum of dy and the others. */
const einsum: Rule = (site) => {
  const { e } = site;
  const dy = site.grad(0);
  const equation = site.attribute.text('equation', '').replace(/\s/g, '');
  const [left, result] = equation.split('->');
  const terms = left?.split(',') ?? [];
  if (dy === undefined) return gradients();
  if (result === undefined || equation.includes('.') || terms.length !== site.inputs.length)
    return unsupported(site, `the equation '${equation}': write its result, and no dots`);
  const repeats = terms.some((term) => new Set(term).size < term.length);
  if (repeats) return unsupported(site, `a repeated index in '${equation}'`);
  const dimsByIndex = new Map<string, number>();
  terms.forEach((term, at) => {
    for (const [axis, index] of [...term].entries()) dimsByIndex.set(index, site.dims(at)[axis] ?? 1);
  });
  const gradientOf = (at: number): Name => {
    const term = terms[at] ?? '';
    const others = terms.flatMap((other, index) => (index === at ? [] : [other]));
    const known = [...term].filter((index) => [result, ...others].some((other) => other.includes(index)));
    const dims = known.map((index) => dimsByIndex.get(index) ?? 1);
    const contracted = e.emit('Einsum', [dy, ...site.inputs.filter((_, index) => index !== at)], dims, {
      attributes: { equation: { type: 'string', value: `${[result, ...others].join()}->${known.join('')}` } },
    });
    // An index that only this operand has was summed over: its gradient is the same everywhere along it.
    const spread = [...term].map((index) => (known.includes(index) ? (dimsByIndex.get(index) ?? 1) : 1));
    return e.emit('Expand', [reshape(e, contracted, spread), e.ints(site.dims(at))], site.dims(at));
  };
  return gradients(...terms.map((_, at) => (site.wants(at) ? gradientOf(at) : undefined)));
};

export const linearRules: Readonly<Record<string, Rule>> = {
  MatMul: matMul,
  Gemm: gemm,
  Einsum: einsum,
  Softmax: softmax,
  LogSoftmax: logSoftmax,
};
