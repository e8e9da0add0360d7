import type { Emitter, Name } from '../autodiff/emitter.ts';
import { int } from '../ir/attributes.ts';
import type { Node, TensorType } from '../ir/types.ts';
import type { Gate } from './stream.ts';
import type { Hidden } from './types.ts';

/**
 * How a gate becomes one tensor. A fused norm adds two tensors; in float32 their sum can be sent: it is one rounding of the same
 * two numbers, and the norm then adds −0, which changes no number (h − h would make NaN of an infinity, and +0 a +0 of a −0).
 * A norm in 16 bits may add with more bits than its tensors have: there both go side by side.
 */
export const hiddenOf = (gate: Gate, freshName: Name): Hidden => {
  const { dtype, shape = [] } = gate.type;
  if (gate.kind === 'value') return { form: 'value', name: gate.name, dtype, shape };
  if (dtype === 'float32') return { form: 'sum', name: freshName, dtype, shape };
  return { form: 'pair', name: freshName, dtype, shape: [...shape.slice(0, -1), 2 * widthOf(gate.type)] };
};

/** Behind the nodes of the stage that sends. */
export const sending = (gate: Gate, hidden: Hidden): readonly Node[] => {
  if (gate.kind === 'value') return [];
  const [op, attributes] = hidden.form === 'sum' ? ['Add', {}] : ['Concat', { axis: int(-1) }];
  return [{ op, domain: '', name: hidden.name, inputs: gate.names, outputs: [hidden.name], attributes }];
};

/** What the norm adds in the stage that receives; its operands' place is theirs. */
export const receiving = (
  e: Emitter,
  gate: Gate & { readonly kind: 'pair' },
  hidden: Hidden,
): readonly [Name, Name] => {
  const { dtype } = hidden;
  if (hidden.form === 'sum') {
    const shape = e.emit('Shape', [hidden.name], [hidden.shape.length], { dtype: 'int64' });
    const zero = e.floats([], Float32Array.of(-0));
    return [hidden.name, e.emit('Expand', [zero, shape], [], { dtype })];
  }
  const width = widthOf(gate.type);
  const part = (from: number, to: number) =>
    e.emit('Slice', [hidden.name, e.ints([from]), e.ints([to]), e.ints([-1])], [], { dtype });
  return [part(0, width), part(width, 2 * width)];
};

/** Both forms are written with operators of this version or newer. */
export const leastOpset = 10;

const widthOf = ({ shape }: TensorType): number => {
  const last = shape?.at(-1);
  return typeof last === 'number' ? last : 0;
};
