import type { Result } from '../../core/result.ts';
import { attempt } from '../codec/refusal.ts';
import type { Safetensors } from '../codec/safetensors.ts';
import type { OnnxFault } from '../fault.ts';
import { countOf } from '../ir/dataTypes.ts';
import type { Tensor } from '../ir/types.ts';
import { type MergeOptions, mergeNamed } from './mergeNamed.ts';
import type { Neurons } from './sparsify.ts';

export type MergeCheckpointsOptions = MergeOptions & { readonly base?: Safetensors };

/**
 * The tensors of several checkpoints into one, name by name, computed while `writeSafetensors` writes them: one tensor of each
 * is in memory at a time. Needs the same names, shapes and types in all. float32, float16 and bfloat16 are merged in float32
 * and written in their type; a tensor that is equal in all is copied; one of another type must be.
 */
export const mergeCheckpoints = (
  checkpoints: readonly Safetensors[],
  { base, method, perTensor }: MergeCheckpointsOptions,
): Result<Safetensors, OnnxFault> =>
  attempt(() => ({
    tensors: mergeNamed({
      models: checkpoints,
      base,
      method,
      ...(perTensor === undefined ? {} : { perTensor }),
      neurons: outputFirst,
    }),
    metadata: checkpoints[0]?.metadata,
  }));

/** [out, …]: how linear layers and convolutions are stored. A vector counts as one neuron's. */
export const outputFirst = (_name: string, { dims }: Tensor): Neurons => ({
  kind: 'rows',
  width: countOf(dims.length < 2 ? dims : dims.slice(1)),
});
