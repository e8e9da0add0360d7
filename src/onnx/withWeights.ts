import { err, ok, type Result } from '../core/result.ts';
import { float32Tensor } from './build/tensors.ts';
import { type OnnxFault, onnxFault } from './fault.ts';
import { countOf } from './ir/dataTypes.ts';
import type { Model } from './ir/types.ts';

/**
 * The model with other values for some of its float32 initializers: what training gave. They are kept, not copied. A name the
 * model doesn't have is `missing`, another number of values `invalid`.
 */
export const withWeights = (
  model: Model,
  weights: ReadonlyMap<string, Float32Array>,
): Result<Model, OnnxFault> => {
  const initializers = new Map(model.graph.initializers);
  for (const [name, values] of weights) {
    const before = initializers.get(name);
    if (!before) return err(onnxFault('missing', `the model has no weight '${name}'`));
    if (before.dtype !== 'float32')
      return err(onnxFault('invalid', `'${name}' is ${before.dtype}, and float32 values were given for it`));
    if (countOf(before.dims) !== values.length)
      return err(
        onnxFault(
          'invalid',
          `'${name}' is [${before.dims.join(', ')}], and ${values.length} values were given`,
        ),
      );
    initializers.set(name, {
      ...float32Tensor(before.dims, values),
      ...(before.name ? { name: before.name } : {}),
    });
  }
  return ok({ ...model, graph: { ...model.graph, initializers } });
};
