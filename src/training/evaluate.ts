import type { HostTensor, HostTensors, Runtime } from '../compute/index.ts';
import { err, fault, ok, type Result } from '../core/result.ts';
import { bindDims, encodeModel, joinChunks, type Model } from '../onnx/index.ts';
import type { TrainingFault } from './trainStep.ts';

/** What a classifier, of examples or of next tokens, is worth on data it was not trained with. */
export type Evaluation = {
  /** Mean of −log softmax(logits)[label], in nats. */
  readonly loss: number;
  /** Share of labels that have the greatest logit. */
  readonly accuracy: number;
  /** Of labels. */
  readonly count: number;
};

export interface Evaluator {
  /** Adds a batch of the size the model is bound to. Labels of -1 count for nothing: they fill the last batch. */
  add(feeds: HostTensors, labels: Int32Array): Promise<Result<void, TrainingFault>>;
  result(): Evaluation;
  release(): Promise<void>;
}

/** `logits` is an output [.., classes]; `sizes` are what the model's named dims are. Sums are of float64. */
export const createEvaluator = async (
  runtime: Pick<Runtime, 'createStatefulSession'>,
  model: Model,
  { logits, sizes }: { readonly logits: string; readonly sizes: Readonly<Record<string, number>> },
): Promise<Result<Evaluator, TrainingFault>> => {
  const bound = bindDims(model, sizes);
  if (!bound.ok) return bound;
  const encoded = encodeModel(bound.value);
  if (!encoded.ok) return encoded;
  const opened = await runtime.createStatefulSession(joinChunks(encoded.value), {
    outputs: bound.value.graph.outputs.map(({ name }) => name),
    state: [],
  });
  if (!opened.ok) return opened;
  let [loss, right, count] = [0, 0, 0];
  return ok({
    async add(feeds, labels) {
      const outputs = await opened.value.run(feeds);
      if (!outputs.ok) return outputs;
      const found = outputs.value[logits];
      const misfit = whyNot(found, labels, logits);
      if (misfit !== undefined || found?.dtype !== 'float32')
        return err(fault('failed', misfit ?? 'no logits'));
      const classes = found.dims.at(-1) ?? 1;
      for (const [row, label] of labels.entries()) {
        if (label < 0) continue;
        const scores = found.data.subarray(row * classes, (row + 1) * classes);
        const { best, negative } = score(scores, label);
        loss += negative;
        right += best === label ? 1 : 0;
        count++;
      }
      return ok(undefined);
    },
    result: () => ({ loss: loss / count, accuracy: right / count, count }),
    release: () => opened.value.release(),
  });
};

const whyNot = (found: HostTensor | undefined, labels: Int32Array, name: string): string | undefined => {
  if (found?.dtype !== 'float32') return `the model gives no float32 '${name}'`;
  const classes = found.dims.at(-1) ?? 1;
  if (found.data.length !== labels.length * classes)
    return `${labels.length} labels were given for logits [${found.dims}]`;
  const odd = labels.find((label) => label >= classes);
  return odd === undefined ? undefined : `the label ${odd} is none of ${classes} classes`;
};

const score = (scores: Float32Array, label: number) => {
  let best = 0;
  for (let at = 1; at < scores.length; at++) if ((scores[at] ?? 0) > (scores[best] ?? 0)) best = at;
  const greatest = scores[best] ?? 0;
  let sum = 0;
  for (const logit of scores) sum += Math.exp(logit - greatest);
  return { best, negative: Math.log(sum) + greatest - (scores[label] ?? 0) };
};
