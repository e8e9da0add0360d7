/** The models' losses in jax-js. Parameters by the names of ours; each function owns what it is given. */
import { lax, nn, numpy as np } from '@jax-js/jax';
import { gptSequence, gptSpec, lora, type TaskName } from './tasks.ts';

export type JaxArray = np.Array;
export type JaxParameters = { [name: string]: JaxArray };

type Loss = (trained: JaxParameters, frozen: JaxParameters, input: JaxArray, labels: JaxArray) => JaxArray;

/** Takes a parameter for its only use, or, as a `ref`, for one of several. */
const taker = (parameters: JaxParameters) => (name: string) => {
  const found = parameters[name];
  if (!found) throw new Error(`there is no ${name}`);
  return found;
};

/** Mean of −log softmax. `logits`: [rows, classes]. */
const crossEntropy = (logits: JaxArray, labels: JaxArray): JaxArray => {
  const [rows = 1, classes = 1] = logits.shape;
  return nn
    .logSoftmax(logits)
    .mul(nn.oneHot(labels.reshape([rows]), classes))
    .sum()
    .mul(-1 / rows);
};

/** `weight` is [out, in]. */
const dense = (x: JaxArray, take: (name: string) => JaxArray, name: string): JaxArray =>
  np.dot(x, take(`${name}.weight`).transpose()).add(take(`${name}.bias`));

const mlp: Loss = (trained, _frozen, input, labels) => {
  const take = taker(trained);
  const first = nn.relu(dense(input, take, 'fc0'));
  const second = nn.relu(dense(first, take, 'fc1'));
  return crossEntropy(dense(second, take, 'fc2'), labels);
};

const convolved = (x: JaxArray, take: (name: string) => JaxArray, name: string): JaxArray => {
  const bias = take(`${name}.bias`);
  const sum = lax
    .convGeneralDilated(x, take(`${name}.weight`), [1, 1], 'SAME')
    .add(bias.reshape([bias.shape[0] ?? 1, 1, 1]));
  return nn.relu(lax.reduceWindow(sum, np.max, [2, 2], [2, 2]));
};

const cnn: Loss = (trained, _frozen, input, labels) => {
  const take = taker(trained);
  const maps = convolved(convolved(input, take, 'conv0'), take, 'conv1');
  const flat = maps.reshape([labels.shape[0] ?? 1, -1]);
  return crossEntropy(dense(nn.relu(dense(flat, take, 'fc0')), take, 'fc1'), labels);
};

const { heads, hidden, layers, epsilon } = gptSpec;

/** [rows, in] → [rows, out], with its adapter. */
const adapted = (x: JaxArray, take: (name: string) => JaxArray, name: string): JaxArray => {
  const weight = `${name}.MatMul.weight`;
  const down = np.dot(x.ref, take(`${weight}.lora_A`)).mul(lora.alpha / lora.rank);
  const up = np.dot(down, take(`${weight}.lora_B`));
  return np
    .dot(x, take(weight))
    .add(take(`${name}.Add.bias`))
    .add(up);
};

const normalized = (x: JaxArray, take: (name: string) => JaxArray, name: string): JaxArray =>
  nn
    .standardize(x, -1, { epsilon })
    .mul(take(`${name}.weight`))
    .add(take(`${name}.bias`));

const attended = (x: JaxArray, take: (name: string) => JaxArray, name: string): JaxArray => {
  const split = (which: string, from: JaxArray) =>
    adapted(from, take, `${name}.${which}_proj`).reshape([-1, gptSequence, heads, hidden / heads]);
  const query = split('q', x.ref);
  const key = split('k', x.ref);
  const value = split('v', x);
  const seen = nn.dotProductAttention(query, key, value, { isCausal: true });
  return adapted(seen.reshape([-1, hidden]), take, `${name}.o_proj`);
};

const gpt: Loss = (trained, frozen, input, labels) => {
  const take = taker({ ...trained, ...frozen });
  const table = take('model.embed_tokens.weight');
  const tokens = np.take(table.ref, input, 0).add(take('model.embed_positions.weight'));
  let x = tokens.reshape([-1, hidden]);
  for (let layer = 0; layer < layers; layer++) {
    const name = `model.layers.${layer}`;
    x = x.ref.add(attended(normalized(x, take, `${name}.input_layernorm`), take, `${name}.attn`));
    const normal = normalized(x.ref, take, `${name}.post_attention_layernorm`);
    const wide = nn.gelu(adapted(normal, take, `${name}.mlp.fc1`), { approximate: true });
    x = x.add(adapted(wide, take, `${name}.mlp.fc2`));
  }
  const normal = normalized(x, take, `model.layers.${layers}.final_norm_layernorm`);
  return crossEntropy(np.dot(normal, table.transpose()), labels);
};

export const jaxLossOf: Readonly<Record<TaskName, Loss>> = {
  mlp_b50: mlp,
  cnn_b10: cnn,
  cnn_b50: cnn,
  lora_gpt: gpt,
};
