/**
 * `npx tsx bench/learn/exportRecipe.ts DIR`: what scripts/vectors/decoder_torch.py needs to train as our own step does: the recipe
 * with the rate of every update, the weights it begins with, the windows in their order, and the text held out.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { concatBytes } from '../../src/core/bytes.ts';
import { unwrap } from '../../src/core/result.ts';
import { trainableNames } from '../../src/onnx/build/parameters.ts';
import type { Tensor } from '../../src/onnx/index.ts';
import { writeSafetensors } from '../../src/onnx/index.ts';
import { hashRecipe, initialModel, recipe, schedule, trainingOf, windowsOf } from './recipe.ts';
import { readText } from './text.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('npx tsx bench/learn/exportRecipe.ts DIR');

const model = initialModel();
const { updates, batch, sequence } = recipe;
const windows = windowsOf(trainingOf(model).fed);
const perUpdate = batch * (sequence + 1);
const drawn = new Uint8Array(updates * perUpdate);
for (let update = 0; update < updates; update++) {
  const { input_ids: ids, 'training.labels': labels } = windows.next();
  for (let row = 0; row < batch; row++)
    for (let at = 0; at <= sequence; at++) {
      const token =
        at < sequence ? ids?.data[row * sequence + at] : labels?.data[row * sequence + sequence - 1];
      drawn[update * perUpdate + row * (sequence + 1) + at] = Number(token);
    }
}
const bytes = (dims: readonly number[], data: Uint8Array): Tensor => ({
  dtype: 'uint8',
  dims,
  data: { kind: 'bytes', bytes: data },
});
const { heldOut } = readText();
const tensors = new Map<string, Tensor>([
  ...trainableNames(model).flatMap((name) => {
    const tensor = model.graph.initializers.get(name);
    return tensor ? [[`weights/${name}`, tensor] as const] : [];
  }),
  ['windows', bytes([updates, batch, sequence + 1], drawn)],
  ['held_out', bytes([heldOut.length], heldOut)],
]);
mkdirSync(folder, { recursive: true });
const chunks: Uint8Array[] = [];
unwrap(await writeSafetensors(tensors, undefined, async (chunk) => void chunks.push(chunk.slice())));
writeFileSync(join(folder, 'start.safetensors'), concatBytes(...chunks));
const rates = Array.from({ length: updates }, (_, update) => schedule(update));
writeFileSync(join(folder, 'recipe.json'), JSON.stringify({ ...recipe, hash: hashRecipe(), rates }));
