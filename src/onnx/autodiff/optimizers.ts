import type { Emitter, Name } from './emitter.ts';
import { add, addAll, div, mul, reduce, scale, sub, unary } from './math.ts';

/**
 * How a step changes the weights. `sgd`: w − η·g. `momentum` (Polyak, 1964; as PyTorch: v ← μ·v + g, w − η·v; with `nesterov`
 * w − η·(g + μ·v)). `adamw`: Loshchilov, Hutter, "Decoupled Weight Decay Regularization", 2019, with the corrections of bias of
 * Kingma, Ba, 2015.
 */
export type Optimizer =
  | { readonly kind: 'sgd' }
  | { readonly kind: 'momentum'; readonly momentum: number; readonly nesterov?: boolean }
  | {
      readonly kind: 'adamw';
      readonly beta1?: number;
      readonly beta2?: number;
      readonly epsilon?: number;
      readonly weightDecay?: number;
    };

/** What an optimiser remembers of a weight from step to step; each begins as zeros. */
export const slotsOf = ({ kind }: Optimizer): readonly string[] =>
  ({ sgd: [], momentum: ['velocity'], adamw: ['mean', 'variance'] })[kind];

/** And of all together: the number of steps done, a scalar. */
export const countsSteps = ({ kind }: Optimizer): boolean => kind === 'adamw';

export type Updated = { readonly weight: Name; readonly slots: readonly Name[] };

/** `rate`: scalar η. `step`: scalar, 1 in the first step; only asked for by those who count. */
export const update = (
  e: Emitter,
  optimizer: Optimizer,
  at: {
    readonly weight: Name;
    readonly gradient: Name;
    readonly slots: readonly Name[];
    readonly rate: Name;
    readonly step: Name | undefined;
  },
): Updated => {
  const { weight, gradient, rate } = at;
  const [first, second] = at.slots;
  switch (optimizer.kind) {
    case 'sgd':
      return { weight: sub(e, weight, mul(e, gradient, rate)), slots: [] };
    case 'momentum': {
      if (first === undefined) throw new Error('momentum needs its velocity');
      const velocity = add(e, scale(e, first, optimizer.momentum), gradient);
      const direction = optimizer.nesterov
        ? add(e, gradient, scale(e, velocity, optimizer.momentum))
        : velocity;
      return { weight: sub(e, weight, mul(e, direction, rate)), slots: [velocity] };
    }
    case 'adamw': {
      if (first === undefined || second === undefined || at.step === undefined)
        throw new Error('AdamW needs its moments and the number of the step');
      const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0.01 } = optimizer;
      const mean = add(e, scale(e, first, beta1), scale(e, gradient, 1 - beta1));
      const variance = add(e, scale(e, second, beta2), scale(e, mul(e, gradient, gradient), 1 - beta2));
      const corrected = (moment: Name, beta: number) =>
        div(e, moment, sub(e, e.scalar(1), powerOf(e, beta, at.step ?? '')));
      const spread = add(e, unary(e, 'Sqrt', corrected(variance, beta2)), e.scalar(epsilon));
      const direction = div(e, corrected(mean, beta1), spread);
      const kept = weightDecay === 0 ? direction : add(e, direction, scale(e, weight, weightDecay));
      return { weight: sub(e, weight, mul(e, kept, rate)), slots: [mean, variance] };
    }
    default:
      return optimizer satisfies never;
  }
};

/** βᵗ as exp(t·ln β): `Pow` of a constant base is not everywhere. */
const powerOf = (e: Emitter, base: number, exponent: Name): Name =>
  unary(e, 'Exp', scale(e, exponent, Math.log(base)));

/** √Σ‖g‖² over all gradients: a scalar. */
export const globalNorm = (e: Emitter, gradients: readonly [Name, ...Name[]]): Name => {
  const squares = gradients.map((gradient) => {
    const axes = e.dims(gradient).map((_, axis) => axis);
    return axes.length === 0
      ? mul(e, gradient, gradient)
      : reduce(e, 'ReduceSumSquare', gradient, axes, false);
  }) as [Name, ...Name[]];
  return unary(e, 'Sqrt', addAll(e, squares));
};

/**
 * All gradients times min(1, most ÷ norm) (Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural networks",
 * 2013), with PyTorch's 1e-6 against a norm of 0.
 */
export const clipped = (e: Emitter, gradients: readonly [Name, ...Name[]], most: number): readonly Name[] => {
  const room = div(e, e.scalar(most), add(e, globalNorm(e, gradients), e.scalar(1e-6)));
  const over = e.emit('Less', [room, e.scalar(1)], [], { dtype: 'bool' });
  const factor = e.emit('Where', [over, room, e.scalar(1)], []);
  return gradients.map((gradient) => mul(e, gradient, factor));
};
