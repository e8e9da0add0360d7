import { add, compare, mul, scale, sub, unary, unbroadcast, where } from '../math.ts';
import { gradients, type Rule } from '../rule.ts';
import { mapped } from './elementwise.ts';

/** Activations that are less common, each by its derivative. */

/** x·tanh(softplus(x)) (Misra, "Mish", 2019). */
const mish: Rule = mapped(({ e }, x, _y, dy) => {
  const t = unary(e, 'Tanh', unary(e, 'Softplus', x));
  const slope = mul(e, mul(e, x, unary(e, 'Sigmoid', x)), sub(e, e.scalar(1), mul(e, t, t)));
  return mul(e, dy, add(e, t, slope));
});

/** x·min(1, max(0, x/6 + 1/2)) (Howard et al., "Searching for MobileNetV3", 2019). */
const hardSwish: Rule = mapped(({ e }, x, _y, dy) => {
  const inside = mul(e, dy, add(e, scale(e, x, 1 / 3), e.scalar(0.5)));
  const below = where(e, compare(e, 'Less', x, e.scalar(-3)), e.scalar(0), inside);
  return where(e, compare(e, 'Greater', x, e.scalar(3)), dy, below);
});

/** γ·x above 0, γ·α·(eˣ − 1) = y below, whose slope is y + γ·α (Klambauer et al., "Self-Normalizing Neural Networks", 2017). */
const selu: Rule = mapped(({ e, attribute }, x, y, dy) => {
  const alpha = attribute.float('alpha', 1.6732632423543772);
  const gamma = attribute.float('gamma', 1.0507009873554805);
  const below = mul(e, dy, add(e, y, e.scalar(alpha * gamma)));
  return where(e, compare(e, 'Greater', x, e.scalar(0)), scale(e, dy, gamma), below);
});

const softsign: Rule = mapped(({ e }, x, _y, dy) => {
  const share = unary(e, 'Reciprocal', add(e, unary(e, 'Abs', x), e.scalar(1)));
  return mul(e, dy, mul(e, share, share));
});

/** x, or slope·x below 0. The slope is broadcast to x. */
const prelu: Rule = (site) => {
  const { e } = site;
  const [x, slope] = site.inputs;
  const dy = site.grad(0);
  if (x === undefined || slope === undefined || dy === undefined) return gradients();
  const negative = compare(e, 'Less', x, e.scalar(0));
  const dSlope = () => unbroadcast(e, where(e, negative, mul(e, dy, x), e.scalar(0)), site.dims(1));
  return gradients(
    site.wants(0) ? where(e, negative, mul(e, dy, slope), dy) : undefined,
    site.wants(1) ? dSlope() : undefined,
  );
};

export const activationRules: Readonly<Record<string, Rule>> = {
  Mish: mish,
  HardSwish: hardSwish,
  Selu: selu,
  Softsign: softsign,
  PRelu: prelu,
};
