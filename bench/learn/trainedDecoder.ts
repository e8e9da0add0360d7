import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Runtime } from '../../src/compute/index.ts';
import { concatBytes } from '../../src/core/bytes.ts';
import { sha256Hex } from '../../src/core/hash.ts';
import { unwrap } from '../../src/core/result.ts';
import { decoderParameters } from '../../src/onnx/build/decoder/parameters.ts';
import type { DecoderSpec } from '../../src/onnx/build/decoder/spec.ts';
import { float32Tensor } from '../../src/onnx/build/tensors.ts';
import { bytesSource, readSafetensors, withWeights, writeSafetensors } from '../../src/onnx/index.ts';
import { createEvaluator, createTrainStep, train } from '../../src/training/index.ts';
import { createNodeRuntime } from './nodeRuntime.ts';
import { hashRecipe, initialModel, recipe, schedule, trainingOf, windowsOf } from './recipe.ts';
import { readText } from './text.ts';

export type TrainedDecoder = {
  readonly spec: DecoderSpec;
  /** By the names of `decoderParameters`. */
  readonly weights: ReadonlyMap<string, Float32Array>;
  /** Text that it was not trained with. */
  readonly heldOut: Int32Array;
  /** On `heldOut`, in windows of the recipe's sequence, one after the other. */
  readonly bitsPerCharacter: number;
};

export type Training = TrainedDecoder & {
  /** Of each update, before it, in nats. */
  readonly losses: Float32Array;
  readonly seconds: number;
};

type Options = { readonly say: (text: string) => void };

const folder = fileURLToPath(new URL('../../.cache/learn/', import.meta.url));

/** Trained once on this machine: kept in .cache until the recipe or the text changes. */
export const trainedDecoder = async (options: Options): Promise<TrainedDecoder> => {
  const kept = await readKept();
  if (kept !== undefined) {
    options.say(`a decoder that was trained before: ${kept.bitsPerCharacter.toFixed(3)} bits per character`);
    return kept;
  }
  const runtime = await createNodeRuntime();
  try {
    return await trainDecoder(runtime, options);
  } finally {
    await runtime.release();
  }
};

/** Trains anew, whatever is kept, and keeps the outcome. */
export const trainDecoder = async (runtime: Runtime, { say }: Options): Promise<Training> => {
  say(`a decoder learns characters: ${recipe.updates} updates on ${runtime.threads} thread(s)`);
  const start = performance.now();
  const model = initialModel();
  const step = unwrap(await createTrainStep(runtime, trainingOf(model)));
  const losses = unwrap(
    await train(step, {
      batches: windowsOf(step.fed),
      schedule,
      updates: recipe.updates,
      onRun: ({ done, losses: [loss = 0] }) => {
        if (done % 100 === 0) say(`${done} updates: ${(loss / Math.LN2).toFixed(3)} bits per character`);
      },
    }),
  );
  const weights = unwrap(await step.weights());
  await step.release();
  const seconds = (performance.now() - start) / 1e3;
  const bitsPerCharacter = await evaluate(runtime, weights);
  const heldOut = Int32Array.from(readText().heldOut);
  say(`${bitsPerCharacter.toFixed(4)} bits per character of the text held out`);
  const trained = { spec: recipe.spec, weights, heldOut, bitsPerCharacter };
  await keep(trained);
  return { ...trained, losses, seconds };
};

/** The last window is filled up with labels that don't count. */
const evaluate = async (runtime: Runtime, weights: TrainedDecoder['weights']): Promise<number> => {
  const { batch, sequence } = recipe;
  const model = unwrap(withWeights(initialModel(), weights));
  const evaluator = unwrap(await createEvaluator(runtime, model, { logits: 'logits', sizes: { batch } }));
  const { heldOut } = readText();
  const perRun = batch * sequence;
  for (let from = 0; from < heldOut.length - 1; from += perRun) {
    const at = Array.from({ length: perRun }, (_, i) => from + i);
    const data = BigInt64Array.from(at, (i) => BigInt(heldOut[i] ?? 0));
    const labels = Int32Array.from(at, (i) => heldOut[i + 1] ?? -1);
    unwrap(await evaluator.add({ input_ids: { dtype: 'int64', dims: [batch, sequence], data } }, labels));
  }
  await evaluator.release();
  return evaluator.result().loss / Math.LN2;
};

const keptFile = () => join(folder, `decoder-${hashRecipe().slice(0, 16)}.safetensors`);

/** What describes the weights is in their file, so that both are written at once; its name and hash say whether it fits. */
const keep = async ({ weights, bitsPerCharacter }: TrainedDecoder): Promise<void> => {
  const dims = new Map(decoderParameters(recipe.spec).map((parameter) => [parameter.name, parameter.dims]));
  const tensors = new Map(
    [...weights].map(([name, values]) => [name, float32Tensor(dims.get(name) ?? [], values)]),
  );
  const chunks: Uint8Array[] = [];
  const metadata = { recipe: hashRecipe(), bitsPerCharacter: String(bitsPerCharacter) };
  unwrap(await writeSafetensors(tensors, metadata, async (chunk) => void chunks.push(chunk.slice())));
  const bytes = concatBytes(...chunks);
  const file = keptFile();
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.part`, bytes);
  await writeFile(`${file}.sha256`, sha256Hex(bytes));
  await rename(`${file}.part`, file);
};

const readKept = async (): Promise<TrainedDecoder | undefined> => {
  const file = keptFile();
  const bytes = await readFile(file).catch(() => undefined);
  const hash = await readFile(`${file}.sha256`, 'utf8').catch(() => undefined);
  if (bytes === undefined || hash !== sha256Hex(bytes)) return undefined;
  const { tensors, metadata } = unwrap(await readSafetensors(bytesSource(bytes)));
  const bitsPerCharacter = Number(metadata?.['bitsPerCharacter']);
  if (metadata?.['recipe'] !== hashRecipe() || !Number.isFinite(bitsPerCharacter)) return undefined;
  const weights = new Map<string, Float32Array>();
  for (const [name, { data }] of tensors) {
    if (data.kind !== 'slice') throw new Error('tensors of a file are slices of it');
    const values = await data.source.read(data.offset, data.length);
    weights.set(name, new Float32Array(new Uint8Array(values).buffer));
  }
  return { spec: recipe.spec, weights, heldOut: Int32Array.from(readText().heldOut), bitsPerCharacter };
};
