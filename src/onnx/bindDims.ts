import { err, ok, type Result } from '../core/result.ts';
import { type OnnxFault, onnxFault } from './fault.ts';
import type { Dim, Graph, Model, Value, ValueType } from './ir/types.ts';

/**
 * Named dimensions of the inputs and outputs become numbers: a batch size, a sequence length. What the file says of values in
 * between is left out, for `inferTypes` tells it anew. Names that are not given stay; a name that no input has is `missing`.
 */
export const bindDims = (model: Model, sizes: Readonly<Record<string, number>>): Result<Model, OnnxFault> => {
  const wrong = Object.entries(sizes).find(([, size]) => !Number.isSafeInteger(size) || size < 1);
  if (wrong)
    return err(
      onnxFault('invalid', `the dimension '${wrong[0]}' can't be ${wrong[1]}: a whole number from 1 on`),
    );
  const names = namesIn(model.graph);
  const stranger = Object.keys(sizes).find((name) => !names.has(name));
  if (stranger !== undefined)
    return err(
      onnxFault(
        'missing',
        `no input has a dimension '${stranger}': they are ${[...names].join(', ') || 'all numbers'}`,
      ),
    );
  const bind = (dim: Dim): Dim =>
    typeof dim === 'string' && Object.hasOwn(sizes, dim) ? (sizes[dim] ?? dim) : dim;
  const bound = (value: Value): Value => ({ ...value, type: boundType(value.type, bind) });
  const { graph } = model;
  return ok({
    ...model,
    graph: {
      ...graph,
      inputs: graph.inputs.map(bound),
      outputs: graph.outputs.map(bound),
      values: new Map(),
    },
  });
};

const boundType = (type: ValueType, bind: (dim: Dim) => Dim): ValueType => {
  switch (type.kind) {
    case 'tensor':
    case 'sparse-tensor':
      return { ...type, shape: type.shape?.map(bind) };
    case 'sequence':
    case 'optional':
      return { ...type, element: boundType(type.element, bind) };
    case 'map':
      return { ...type, value: boundType(type.value, bind) };
    case 'unknown':
      return type;
    default:
      return type satisfies never;
  }
};

const namesIn = ({ inputs }: Graph): ReadonlySet<string> =>
  new Set(
    inputs.flatMap(({ type }) =>
      type.kind === 'tensor' ? (type.shape ?? []).filter((dim) => typeof dim === 'string') : [],
    ),
  );
