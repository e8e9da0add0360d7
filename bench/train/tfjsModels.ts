/** The models' losses in TensorFlow.js. Parameters by the names of ours. */
import * as tf from '@tensorflow/tfjs-core';
import { gptSequence, gptSpec, lora, type TaskName } from './tasks.ts';

export type TfParameters = Map<string, tf.Tensor>;
export type TfLoss = (parameters: TfParameters, input: tf.Tensor, labels: tf.Tensor) => tf.Scalar;

const taker =
  (parameters: TfParameters) =>
  <Rank extends tf.Rank = tf.Rank.R2>(name: string): tf.Tensor<Rank> => {
    const found = parameters.get(name);
    if (!found) throw new Error(`there is no ${name}`);
    return found as tf.Tensor<Rank>;
  };
type Take = ReturnType<typeof taker>;

/** Mean of −log softmax. `logits`: [rows, classes]. */
const crossEntropy = (logits: tf.Tensor2D, labels: tf.Tensor): tf.Scalar => {
  const [rows, classes] = logits.shape;
  return tf.losses.softmaxCrossEntropy<tf.Tensor2D, tf.Scalar>(
    tf.oneHot(tf.reshape(labels, [rows]), classes) as tf.Tensor2D,
    logits,
  );
};

/** In the layout that its operators want: matrices [in, out], filters [height, width, in, out]. Once, before training. */
export const toTfLayout = (name: string, tensor: tf.Tensor): tf.Tensor => {
  if (/^fc\d+\.weight$/.test(name)) return tf.transpose(tensor, [1, 0]);
  if (/^conv\d+\.weight$/.test(name)) return tf.transpose(tensor, [2, 3, 1, 0]);
  return tensor;
};

/** Not `fused.matMul`: its gradient works out all inputs', those of frozen weights and of the data too. */
const dense = (x: tf.Tensor2D, take: Take, name: string): tf.Tensor2D =>
  tf.add(tf.matMul(x, take(`${name}.weight`)), take<tf.Rank.R1>(`${name}.bias`));

const mlp: TfLoss = (parameters, input, labels) => {
  const take = taker(parameters);
  const first = tf.relu(dense(input as tf.Tensor2D, take, 'fc0'));
  const second = tf.relu(dense(first, take, 'fc1'));
  return crossEntropy(dense(second, take, 'fc2'), labels);
};

/** Channels last. */
const convolved = (x: tf.Tensor4D, take: Take, name: string): tf.Tensor4D => {
  const sum = tf.add(
    tf.conv2d(x, take<tf.Rank.R4>(`${name}.weight`), 1, 'same'),
    take<tf.Rank.R1>(`${name}.bias`),
  ) as tf.Tensor4D;
  return tf.maxPool(tf.relu(sum), 2, 2, 'valid');
};

const cnn: TfLoss = (parameters, input, labels) => {
  const take = taker(parameters);
  const [batch = 1, , height = 1, width = 1] = input.shape;
  const images = tf.reshape(input, [batch, height, width, 1]) as tf.Tensor4D;
  const maps = convolved(convolved(images, take, 'conv0'), take, 'conv1');
  const flat = tf.reshape(tf.transpose(maps, [0, 3, 1, 2]), [batch, -1]) as tf.Tensor2D;
  return crossEntropy(dense(tf.relu(dense(flat, take, 'fc0')), take, 'fc1'), labels);
};

const { heads, hidden, layers, epsilon } = gptSpec;

/** [rows, in] → [rows, out], with its adapter. */
const adapted = (x: tf.Tensor2D, take: Take, name: string): tf.Tensor2D => {
  const weight = `${name}.MatMul.weight`;
  const down = tf.mul(tf.matMul(x, take(`${weight}.lora_A`)), lora.alpha / lora.rank) as tf.Tensor2D;
  const base = tf.add(tf.matMul(x, take(weight)), take<tf.Rank.R1>(`${name}.Add.bias`));
  return tf.add(base, tf.matMul(down, take(`${weight}.lora_B`)));
};

const normalized = (x: tf.Tensor2D, take: Take, name: string): tf.Tensor2D => {
  const { mean, variance } = tf.moments(x, -1, true);
  const scaled = tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, epsilon)));
  return tf.add(tf.mul(scaled, take(`${name}.weight`)), take(`${name}.bias`));
};

const attended = (x: tf.Tensor2D, take: Take, name: string, mask: tf.Tensor): tf.Tensor2D => {
  const size = hidden / heads;
  const split = (which: string) =>
    tf.transpose(
      tf.reshape(adapted(x, take, `${name}.${which}_proj`), [-1, gptSequence, heads, size]),
      [0, 2, 1, 3],
    );
  const scores = tf.mul(tf.matMul(split('q'), split('k'), false, true), 1 / Math.sqrt(size));
  const seen = tf.matMul(tf.softmax(tf.add(scores, mask)), split('v'));
  const flat = tf.reshape(tf.transpose(seen, [0, 2, 1, 3]), [-1, hidden]) as tf.Tensor2D;
  return adapted(flat, take, `${name}.o_proj`);
};

/** With the tanh approximation. */
const gelu = (x: tf.Tensor2D): tf.Tensor2D => {
  const inner = tf.mul(Math.sqrt(2 / Math.PI), tf.add(x, tf.mul(0.044715, tf.mul(x, tf.square(x)))));
  return tf.mul(tf.mul(0.5, x), tf.add(1, tf.tanh(inner)));
};

/** Added to scores: what comes later weighs nothing. */
const causalMask = (): tf.Tensor => {
  const values = Float32Array.from({ length: gptSequence ** 2 }, (_, at) =>
    at % gptSequence > Math.floor(at / gptSequence) ? -10_000 : 0,
  );
  return tf.tensor(values, [gptSequence, gptSequence]);
};

const gpt: TfLoss = (parameters, input, labels) => {
  const take = taker(parameters);
  const table = take('model.embed_tokens.weight');
  const tokens = tf.gather(table, input as tf.Tensor2D);
  let x = tf.reshape(tf.add(tokens, take('model.embed_positions.weight')), [-1, hidden]) as tf.Tensor2D;
  const mask = causalMask();
  for (let layer = 0; layer < layers; layer++) {
    const name = `model.layers.${layer}`;
    x = tf.add(x, attended(normalized(x, take, `${name}.input_layernorm`), take, `${name}.attn`, mask));
    const normal = normalized(x, take, `${name}.post_attention_layernorm`);
    const wide = gelu(adapted(normal, take, `${name}.mlp.fc1`));
    x = tf.add(x, adapted(wide, take, `${name}.mlp.fc2`));
  }
  const normal = normalized(x, take, `model.layers.${layers}.final_norm_layernorm`);
  return crossEntropy(tf.matMul(normal, table, false, true), labels);
};

export const tfLossOf: Readonly<Record<TaskName, TfLoss>> = {
  mlp_b50: mlp,
  cnn_b10: cnn,
  cnn_b50: cnn,
  lora_gpt: gpt,
};
