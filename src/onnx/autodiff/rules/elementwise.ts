import type { Name } from '../emitter.ts';
import {
  add,
  compare,
  div,
  isSame,
  mul,
  neg,
  scale,
  sub,
  toFloat,
  unary,
  unbroadcast,
  where,
} from '../math.ts';
import { gradients, type Rule, type Site, unsupported } from '../rule.ts';

/** y = f(x), and dx = dy · f′, of which `derivative` is told x, y and dy. */
export const mapped =
  (derivative: (site: Site, x: Name, y: Name, dy: Name) => Name): Rule =>
  (site) => {
    const [x, dy] = [site.inputs[0], site.grad(0)];
    if (x === undefined || dy === undefined) return gradients();
    return gradients(derivative(site, x, site.output(0, site.outputDims), dy));
  };

/** Two operands that are broadcast; each share is told both and dy. */
const paired =
  (...shares: readonly ((site: Site, a: Name, b: Name, dy: Name) => Name)[]): Rule =>
  (site) => {
    const [a, b] = site.inputs;
    const dy = site.grad(0);
    if (a === undefined || b === undefined || dy === undefined) return gradients();
    return gradients(
      ...shares.map((share, index) =>
        site.wants(index) ? unbroadcast(site.e, share(site, a, b, dy), site.dims(index)) : undefined,
      ),
    );
  };

const { sqrt, PI } = Math;

const elu: Rule = mapped(({ e, attribute }, x, y, dy) => {
  // α·eˣ = y + α below 0.
  const below = mul(e, dy, add(e, y, e.scalar(attribute.float('alpha', 1))));
  return where(e, compare(e, 'Greater', x, e.scalar(0)), dy, below);
});

/** d/dx of x·Φ(x) = Φ(x) + x·φ(x), and of its approximation by tanh (Hendrycks, Gimpel, "Gaussian Error Linear Units", 2016). */
const gelu: Rule = mapped(({ e, attribute }, x, _y, dy) => {
  if (attribute.text('approximate', 'none') === 'tanh') {
    const c = sqrt(2 / PI);
    const cubic = mul(e, x, mul(e, x, x));
    const t = unary(e, 'Tanh', scale(e, add(e, x, scale(e, cubic, 0.044715)), c));
    const inner = add(e, e.scalar(c), scale(e, mul(e, x, x), 3 * 0.044715 * c));
    const slope = mul(e, mul(e, x, sub(e, e.scalar(1), mul(e, t, t))), inner);
    return mul(e, dy, scale(e, add(e, add(e, e.scalar(1), t), slope), 0.5));
  }
  const cdf = scale(e, add(e, unary(e, 'Erf', scale(e, x, 1 / sqrt(2))), e.scalar(1)), 0.5);
  const density = scale(e, unary(e, 'Exp', scale(e, mul(e, x, x), -0.5)), 1 / sqrt(2 * PI));
  return mul(e, dy, add(e, cdf, mul(e, x, density)));
});

const clip: Rule = (site) => {
  const { e } = site;
  const [x, low, high] = site.inputs;
  const dy = site.grad(0);
  if (x === undefined || dy === undefined) return gradients();
  // As PyTorch has it: at a bound the gradient flows.
  let dx = dy;
  if (low) dx = where(e, compare(e, 'Less', x, low), e.scalar(0), dx);
  if (high) dx = where(e, compare(e, 'Greater', x, high), e.scalar(0), dx);
  return gradients(dx);
};

const pow: Rule = paired(
  ({ e }, x, p, dy) => mul(e, dy, mul(e, p, e.emit('Pow', [x, sub(e, p, e.scalar(1))], e.dims(dy)))),
  // A base of 0 has no logarithm, and no say in how fast its power grows.
  ({ e, output, outputDims }, x, _p, dy) => {
    const positive = compare(e, 'Greater', x, e.scalar(0));
    const log = unary(e, 'Log', where(e, positive, x, e.scalar(1)));
    return mul(e, dy, mul(e, output(0, outputDims), log));
  },
);

/** To the greater or less of two; equals share, as in JAX. */
const extreme =
  (op: 'Greater' | 'Less'): Rule =>
  (site) => {
    const { e, inputs } = site;
    const dy = site.grad(0);
    const [a, b] = inputs;
    if (a === undefined || dy === undefined) return gradients();
    if (b === undefined) return gradients(dy);
    if (inputs.length > 2) return unsupported(site, 'more than two operands');
    const share = (mine: Name, other: Name) => {
      const ahead = toFloat(e, compare(e, op, mine, other));
      const level = scale(e, toFloat(e, compare(e, 'Equal', mine, other)), 0.5);
      return mul(e, dy, add(e, ahead, level));
    };
    return gradients(
      site.wants(0) ? unbroadcast(e, share(a, b), site.dims(0)) : undefined,
      site.wants(1) ? unbroadcast(e, share(b, a), site.dims(1)) : undefined,
    );
  };

/** Sum, Add and Mean of any number of operands. */
const summed =
  (mean: boolean): Rule =>
  (site) => {
    const dy = site.grad(0);
    if (dy === undefined) return gradients();
    const each = mean ? scale(site.e, dy, 1 / site.inputs.length) : dy;
    return gradients(
      ...site.inputs.map((_, index) =>
        site.wants(index) ? unbroadcast(site.e, each, site.dims(index)) : undefined,
      ),
    );
  };

const passed: Rule = mapped((_site, _x, _y, dy) => dy);

const choice: Rule = (site) => {
  const { e } = site;
  const [condition] = site.inputs;
  const dy = site.grad(0);
  if (condition === undefined || dy === undefined) return gradients();
  const none = e.scalar(0);
  return gradients(
    undefined,
    site.wants(1) ? unbroadcast(e, where(e, condition, dy, none), site.dims(1)) : undefined,
    site.wants(2) ? unbroadcast(e, where(e, condition, none, dy), site.dims(2)) : undefined,
  );
};

const cast: Rule = (site) => {
  const dy = site.grad(0);
  if (dy === undefined || !isSame(site.dims(0), site.outputDims)) return gradients();
  return gradients(dy);
};

export const elementwiseRules: Readonly<Record<string, Rule>> = {
  Add: summed(false),
  Sum: summed(false),
  Mean: summed(true),
  Sub: paired(
    (_site, _a, _b, dy) => dy,
    ({ e }, _a, _b, dy) => neg(e, dy),
  ),
  Mul: paired(
    ({ e }, _a, b, dy) => mul(e, dy, b),
    ({ e }, a, _b, dy) => mul(e, dy, a),
  ),
  Div: paired(
    ({ e }, _a, b, dy) => div(e, dy, b),
    ({ e, output, outputDims }, _a, b, dy) => neg(e, div(e, mul(e, dy, output(0, outputDims)), b)),
  ),
  Pow: pow,
  Max: extreme('Greater'),
  Min: extreme('Less'),
  Where: choice,
  Clip: clip,
  Cast: cast,
  Identity: passed,
  Dropout: passed, // what trains has its masks fed from outside
  Neg: mapped(({ e }, _x, _y, dy) => neg(e, dy)),
  Abs: mapped(({ e }, x, _y, dy) => {
    const none = e.scalar(0);
    const negative = where(e, compare(e, 'Less', x, none), neg(e, dy), none);
    return where(e, compare(e, 'Greater', x, none), dy, negative);
  }),
  Reciprocal: mapped(({ e }, _x, y, dy) => neg(e, mul(e, dy, mul(e, y, y)))),
  Sqrt: mapped(({ e }, _x, y, dy) => div(e, scale(e, dy, 0.5), y)),
  Exp: mapped(({ e }, _x, y, dy) => mul(e, dy, y)),
  Log: mapped(({ e }, x, _y, dy) => div(e, dy, x)),
  Sin: mapped(({ e }, x, _y, dy) => mul(e, dy, unary(e, 'Cos', x))),
  Cos: mapped(({ e }, x, _y, dy) => neg(e, mul(e, dy, unary(e, 'Sin', x)))),
  Erf: mapped(({ e }, x, _y, dy) =>
    mul(e, dy, scale(e, unary(e, 'Exp', neg(e, mul(e, x, x))), 2 / sqrt(PI))),
  ),
  Tanh: mapped(({ e }, _x, y, dy) => mul(e, dy, sub(e, e.scalar(1), mul(e, y, y)))),
  Sigmoid: mapped(({ e }, _x, y, dy) => mul(e, dy, mul(e, y, sub(e, e.scalar(1), y)))),
  Softplus: mapped(({ e }, x, _y, dy) => mul(e, dy, unary(e, 'Sigmoid', x))),
  Relu: mapped(({ e }, x, _y, dy) => where(e, compare(e, 'Greater', x, e.scalar(0)), dy, e.scalar(0))),
  LeakyRelu: mapped(({ e, attribute }, x, _y, dy) =>
    where(e, compare(e, 'Less', x, e.scalar(0)), scale(e, dy, attribute.float('alpha', 0.01)), dy),
  ),
  Elu: elu,
  HardSigmoid: mapped(({ e, attribute }, _x, y, dy) => {
    const inside = mul(
      e,
      toFloat(e, compare(e, 'Greater', y, e.scalar(0))),
      toFloat(e, compare(e, 'Less', y, e.scalar(1))),
    );
    return mul(e, dy, scale(e, inside, attribute.float('alpha', 0.2)));
  }),
  Gelu: gelu,
};

/** x·σ(αx). */
const quickGelu: Rule = mapped(({ e, attribute }, x, _y, dy) => {
  const alpha = attribute.float('alpha', 1.702);
  const s = unary(e, 'Sigmoid', scale(e, x, alpha));
  const slope = add(e, s, scale(e, mul(e, x, mul(e, s, sub(e, e.scalar(1), s))), alpha));
  return mul(e, dy, slope);
});

export const microsoftElementwiseRules: Readonly<Record<string, Rule>> = {
  'com.microsoft.Gelu': gelu,
  'com.microsoft.QuickGelu': quickGelu,
};
