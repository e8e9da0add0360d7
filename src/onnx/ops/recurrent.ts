import type { Dim } from '../ir/types.ts';
import { divideDims, multiplyDims } from './dims.ts';
import { form, int, type OpTable, type OpVersion, optional, type ShapeRule, shaped, text } from './schema.ts';
import { checkRank, intOf, sameDim, shapeOf, textOf } from './shapes.ts';

/** X is steps×batch×inputs, or batch first with `layout` 1; W is directions×(gates·hidden)×inputs. */
const recurrence =
  (gates: number): ShapeRule =>
  (call) => {
    const [x, w, r] = [shapeOf(call, 0), shapeOf(call, 1), shapeOf(call, 2)];
    checkRank(x, 3, 'X');
    checkRank(w, 3, 'W');
    checkRank(r, 3, 'R');
    const directions = textOf(call, 'direction') === 'bidirectional' ? 2 : 1;
    sameDim(w?.[0], directions, 'directions and those of W');
    const batchFirst = intOf(call, 'layout') === 1;
    const [steps, batch] = batchFirst ? [x?.[1], x?.[0]] : [x?.[0], x?.[1]];
    sameDim(x?.[2], w?.[2], 'inputs of X and of W');
    const hidden: Dim = sameDim(
      sameDim(intOf(call, 'hidden_size'), r?.[2], 'hidden_size and R'),
      divideDims(w?.[1], gates),
      'hidden_size and W',
    );
    sameDim(multiplyDims(hidden, gates), r?.[1], 'gates of R');
    const sequence = batchFirst ? [batch, steps, directions, hidden] : [steps, directions, batch, hidden];
    const last = batchFirst ? [batch, directions, hidden] : [directions, batch, hidden];
    return [sequence, last, last];
  };

const activations = {
  activations: optional('strings'),
  activation_alpha: optional('floats'),
  activation_beta: optional('floats'),
  clip: optional('float'),
  hidden_size: optional('int'),
};
const common = { ...activations, direction: text('forward') };
const layout = { layout: int(0) };
const sequence = { output_sequence: int(0) };
const T = { T: 'float' } as const;
const small = 'T T T T? int32? T? -> T? T?';

const versions = (
  signature: string,
  gates: number,
  attributes: OpVersion['attributes'],
): readonly OpVersion[] => [
  form([7], signature, shaped(recurrence(gates)), { ...common, ...attributes }, T),
  form([14, 22], signature, shaped(recurrence(gates)), { ...common, ...attributes, ...layout }, T),
];
const lstm = 'T T T T? int32? T? T? T? -> T? T? T?';
const linear = { linear_before_reset: int(0) };
const forget = { input_forget: int(0) };

export const recurrent: OpTable = {
  LSTM: [
    form([1], lstm, shaped(recurrence(4)), { ...common, ...forget, ...sequence }, T),
    ...versions(lstm, 4, forget),
  ],
  GRU: [
    form(
      [1],
      'T T T T? int32? T? -> T T',
      shaped(recurrence(3)),
      {
        ...activations,
        // The misspelt default is opset 1's own.
        direction: text('foward'),
        ...sequence,
      },
      T,
    ),
    form([3], small, shaped(recurrence(3)), { ...common, ...linear, ...sequence }, T),
    ...versions(small, 3, linear),
  ],
  RNN: [form([1], small, shaped(recurrence(1)), { ...common, ...sequence }, T), ...versions(small, 1, {})],
};
