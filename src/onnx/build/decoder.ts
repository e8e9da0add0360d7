import { ok, type Result } from '../../core/result.ts';
import type { OnnxFault } from '../fault.ts';
import type { Model, Tensor } from '../ir/types.ts';
import { type CheckpointNames, fromCheckpoint } from './decoder/huggingFace.ts';
import { decoderParameters } from './decoder/parameters.ts';
import { servingDecoder } from './decoder/serving.ts';
import { checkDecoder, checkForm, type DecoderForm, type DecoderSpec } from './decoder/spec.ts';
import { trainingDecoder } from './decoder/training.ts';
import { resolveWeights, type Weights } from './parameters.ts';

/** Where a decoder's values come from: as for every family, or a checkpoint of transformers by its own names. */
export type DecoderWeights =
  | Weights
  | {
      readonly kind: 'checkpoint';
      readonly names: CheckpointNames;
      readonly tensors: ReadonlyMap<string, Tensor>;
    };

/** The same weights give the same logits in both forms, up to rounding. */
export const buildDecoder = (
  spec: DecoderSpec,
  form: DecoderForm,
  weights: DecoderWeights,
): Result<Model, OnnxFault> => {
  const checked = checkDecoder(spec);
  if (!checked.ok) return checked;
  const fits = checkForm(spec, form);
  if (!fits.ok) return fits;
  const source = sourceOf(spec, weights);
  if (!source.ok) return source;
  const values = resolveWeights(decoderParameters(spec), source.value);
  if (!values.ok) return values;
  return ok(
    form.kind === 'training'
      ? trainingDecoder(spec, form.sequence, values.value)
      : servingDecoder(spec, values.value),
  );
};

const sourceOf = (spec: DecoderSpec, weights: DecoderWeights): Result<Weights, OnnxFault> => {
  if (weights.kind !== 'checkpoint') return ok(weights);
  const tensors = fromCheckpoint(spec, weights.names, weights.tensors);
  return tensors.ok ? ok({ kind: 'given', tensors: tensors.value }) : tensors;
};
