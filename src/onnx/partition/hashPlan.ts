import type { Sha256 } from '../../core/brand.ts';
import { ok, type Result } from '../../core/result.ts';
import { mapInitializers } from '../codec/graphTensors.ts';
import type { OnnxFault } from '../fault.ts';
import { type HashDeps, hashTensor } from '../hash.ts';
import type { Model, Tensor } from '../ir/types.ts';
import { tensorsOf } from './ranges.ts';
import type { Stage, StagePlan, StageTensor } from './types.ts';

/**
 * The plan with the SHA-256 of every tensor, by which who fetches it from anybody knows that it is the right one. Reads all
 * weights, one tensor in memory at a time, and what several stages need once.
 */
export const hashPlan = async (plan: StagePlan, deps: HashDeps): Promise<Result<StagePlan, OnnxFault>> => {
  const known = new Map<string, Sha256>();
  const stages: Stage[] = [];
  for (const stage of plan.stages) {
    const tensors: StageTensor[] = [];
    for (const [described, tensor] of withTensors(stage.model)) {
      const key = keyOf(described);
      const before = key === undefined ? undefined : known.get(key);
      const hash =
        before === undefined ? await hashTensor({ ...tensor, name: described.name }, deps) : ok(before);
      if (!hash.ok) return hash;
      if (key !== undefined) known.set(key, hash.value);
      tensors.push({ ...described, sha256: hash.value });
    }
    stages.push({ ...stage, tensors });
  }
  return ok({ stages });
};

/**
 * The stage's graph as a file of its own, to send to who runs it: small, its weights where they are in the whole model's file,
 * which is at `location` for those that were in the model's own.
 */
export const stageGraph = ({ model }: Stage, location: string): Model =>
  mapInitializers(model, (tensor) => {
    const { data } = tensor;
    if (data.kind !== 'slice') return tensor;
    const { typed: _, ...kept } = tensor;
    return { ...kept, data: { kind: 'external', location, offset: data.offset, length: data.length } };
  });

export const withTensors = (model: Model): readonly (readonly [StageTensor, Tensor])[] => {
  const tensors: Tensor[] = [];
  mapInitializers(model, (tensor) => {
    tensors.push(tensor);
    return tensor;
  });
  return tensorsOf(model).flatMap((described, i) => {
    const tensor = tensors[i];
    return tensor === undefined ? [] : [[described, tensor] as const];
  });
};

/** Equal for the same elements of the same bytes; the last byte of packed ones may have bits of no element. */
const keyOf = ({ place, length, dtype, dims }: StageTensor): string | undefined =>
  place.kind === 'file' ? JSON.stringify([place.location, place.offset, length, dtype, dims]) : undefined;
