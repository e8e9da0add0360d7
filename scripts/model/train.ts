/** Training in this process: on one core, with the runtime that browsers have. */
import { decodeModel } from '../../src/onnx/index.ts';
import { writeAdapter } from './adapters.ts';
import type { Command } from './command.ts';
import type { Quality } from './evaluation.ts';
import { requirePlace, type WrittenModel, withInputs, withOutputs, writeModelFile } from './files.ts';
import { byteText, counted, grouped, percent, short, toJson } from './format.ts';
import { type Io, misused, taken } from './io.ts';
import { type Options, onlyFile, outputOf } from './options.ts';
import { modelBytes, openRuntime } from './session.ts';
import { readData } from './trainData.ts';
import { type Asked, type Trained, trainModel } from './training.ts';

export const train: Command = {
  summary: 'a model with data of your own, or a LoRA adapter of it',
  usage: `FILE.onnx --data DATA -o OUT.onnx | --lora RANK -o ADAPTER.safetensors
  --data                 a .safetensors with a tensor for each input, and 'labels' or 'target', examples first;
                         IMAGES,LABELS as IDX files (.gz too); or a .txt for decoders whose tokens are bytes
  --loss                 cross-entropy (default with labels), mse (default with a target), bce
  --of OUTPUT            what the loss is of (default 'logits', or the only output)
  --optimizer            adamw (default), momentum, sgd
  --rate R               step size (default 0.001 for adamw, 0.01 for the others)
  --schedule             constant (default), or cosine down to 0; --warmup N updates up from 0
  --epochs N, --updates N  how long (default: 1 epoch, or 200 updates of a text)
  --batch N              examples of an update (default 32)
  --sequence N           tokens of an example, where the model leaves it free (default 64)
  --clip C               the most that the norm of all gradients may be
  --lora RANK            trains an adapter beside the model, and writes that; --alpha A (default 2 × RANK);
                         --targets PATTERN of weights (default: a decoder's projections, else all linear layers)
  --freeze PATTERN       weights that stay, '*' for any characters; may be repeated
  --validation SHARE     of the data, held out and measured before and after (default 0.1)
  --seed S               of all that is drawn (default 0)
  --unroll N             updates in one run of the runtime: faster for small models (default 1)
  --snapshot FILE        kept while it trains; the same command goes on from there`,
  options: {
    data: { type: 'string' },
    loss: { type: 'string' },
    of: { type: 'string' },
    optimizer: { type: 'string' },
    rate: { type: 'string' },
    schedule: { type: 'string' },
    warmup: { type: 'string' },
    epochs: { type: 'string' },
    updates: { type: 'string' },
    batch: { type: 'string' },
    sequence: { type: 'string' },
    clip: { type: 'string' },
    lora: { type: 'string' },
    alpha: { type: 'string' },
    targets: { type: 'string', multiple: true },
    freeze: { type: 'string', multiple: true },
    validation: { type: 'string' },
    seed: { type: 'string' },
    unroll: { type: 'string' },
    snapshot: { type: 'string' },
  },
  async run(options, io) {
    const asked = askedOf(options);
    await requirePlace(asked.output);
    await withInputs(async (inputs) => {
      const file = await inputs.model(asked.path);
      const model = taken(decodeModel(await modelBytes(file.model, file.open)), asked.path);
      const data = await readData(inputs, asked.data);
      const runtime = await openRuntime();
      await withOutputs(io, async (files) => {
        const trained = await trainModel(asked, model, data, runtime, io);
        const written = await (trained.adapter
          ? writeAdapter({ io, files, output: asked.output }, trained.adapter)
          : writeModelFile(io, files, asked.output, trained.model));
        tell(asked, trained, written, options.flag('json'), io);
      });
    });
    return true;
  },
};

const askedOf = (options: Options): Asked & { readonly output: string } => {
  const data = options.text('data');
  if (data === undefined) throw misused('With what --data?');
  const optimizer = options.choice('optimizer', ['adamw', 'momentum', 'sgd']) ?? 'adamw';
  const [epochs, updates] = [options.number('epochs', 0, 1e6), options.whole('updates', 1, 1e9)];
  if (epochs !== undefined && updates !== undefined)
    throw misused('Say how long by --epochs or by --updates, not by both.');
  const rank = options.whole('lora', 1);
  const output = outputOf(options);
  const ending = rank === undefined ? '.onnx' : '.safetensors';
  if (!output.endsWith(ending))
    throw misused(
      `'${output}' must end with ${ending}: ${rank === undefined ? 'a model' : 'an adapter'} is written.`,
    );
  return {
    path: onlyFile(options),
    output,
    data,
    epochs,
    updates,
    optimizer,
    loss: options.choice('loss', ['cross-entropy', 'mse', 'bce']),
    of: options.text('of'),
    rate: options.number('rate', 0, 1e3) ?? (optimizer === 'adamw' ? 0.001 : 0.01),
    schedule: options.choice('schedule', ['constant', 'cosine']) ?? 'constant',
    warmup: options.whole('warmup', 0) ?? 0,
    batch: options.whole('batch', 1, 65_536) ?? 32,
    sequence: options.whole('sequence', 1, 65_536) ?? 64,
    clip: options.number('clip', 0, 1e6),
    lora: rank === undefined ? undefined : { rank, alpha: options.number('alpha', -1e6, 1e6) ?? 2 * rank },
    targets: options.texts('targets'),
    freeze: options.texts('freeze'),
    validation: options.number('validation', 0, 0.9) ?? 0.1,
    seed: options.whole('seed', 0) ?? 0,
    unroll: options.whole('unroll', 1, 1_000) ?? 1,
    snapshot: options.text('snapshot'),
  };
};

const mean = (values: Float32Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;

const tell = (asked: Asked, trained: Trained, written: WrittenModel, json: boolean, io: Io): void => {
  const { updates, parameters, losses, before, after } = trained;
  // Of single batches the loss jumps: a tenth of them is shown at each end.
  const some = Math.max(1, Math.min(50, Math.floor(losses.length / 10)));
  const [first, last] = [mean(losses.subarray(0, some)), mean(losses.subarray(-some))];
  if (json) {
    io.out(
      toJson({
        command: 'train',
        file: asked.path,
        output: written.files,
        updates,
        parameters,
        first_loss: losses.length > 0 ? first : undefined,
        last_loss: losses.length > 0 ? last : undefined,
        before,
        after,
        bytes: written.bytes,
      }),
    );
    return;
  }
  io.out(`${asked.path} → ${written.files.join(', ')}, ${byteText(written.bytes)}`);
  io.out(`  ${counted(updates, 'update')} of ${counted(parameters, 'parameter')}`);
  if (losses.length > 0) io.out(`  loss ${short(first)} → ${short(last)}`);
  if (before && after) {
    const right = (quality: Quality) =>
      quality.accuracy === undefined ? '' : ` (accuracy ${percent(quality.accuracy)})`;
    io.out(
      `  on ${grouped(after.count)} held out ${short(before.loss)}${right(before)} → ${short(after.loss)}${right(after)}`,
    );
  }
};
