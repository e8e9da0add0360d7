/** A model out of a few numbers, so that there is something to begin with. */
import { readFile } from 'node:fs/promises';
import { err, type Result } from '../../src/core/result.ts';
import type { DecoderForm, DecoderSpec } from '../../src/onnx/build/decoder/spec.ts';
import { buildDecoder } from '../../src/onnx/build/decoder.ts';
import { countParameters, type ModelSpec } from '../../src/onnx/build/families.ts';
import { buildFedAvgCnn, paperCnn } from '../../src/onnx/build/fedAvgCnn.ts';
import { buildMlp } from '../../src/onnx/build/mlp.ts';
import { buildResNet } from '../../src/onnx/build/resNet.ts';
import { buildTextClassifier } from '../../src/onnx/build/textClassifier.ts';
import type { Model, OnnxFault } from '../../src/onnx/index.ts';
import type { Command } from './command.ts';
import { requirePlace, withOutputs, writeModelFile } from './files.ts';
import { byteText, grouped, toJson } from './format.ts';
import { misused, Stop, taken } from './io.ts';
import { type Options, onlyFile, outputOf } from './options.ts';

const llama: DecoderSpec = {
  family: 'decoder',
  vocab: 256,
  hidden: 256,
  layers: 4,
  heads: 4,
  kvHeads: 4,
  intermediate: 704,
  context: 256,
  norm: 'rms',
  epsilon: 1e-5,
  positions: { kind: 'rotary', theta: 10_000 },
  mlp: 'swiglu',
  bias: 'none',
  tied: false,
};

const presets = {
  mlp: { family: 'mlp', inputs: 784, hidden: [200, 200], outputs: 10, activation: 'relu' },
  'fedavg-cnn': paperCnn,
  resnet: {
    family: 'resnet',
    image: 32,
    channels: 3,
    classes: 10,
    blocks: 3,
    width: 16,
    groups: 8,
    shortcut: 'padding',
  },
  'text-classifier': {
    family: 'text-classifier',
    vocab: 256,
    embedding: 64,
    hidden: [64],
    classes: 2,
    activation: 'relu',
  },
  llama,
  gpt: {
    ...llama,
    norm: 'layer',
    positions: { kind: 'learned' },
    mlp: 'gelu',
    intermediate: 1_024,
    bias: 'all',
    tied: true,
  },
} as const satisfies Readonly<Record<string, ModelSpec>>;

/** What a spec of the family may say beside what its preset says. */
const optionalKeys: readonly string[] = ['headSize'];

export const build: Command = {
  summary: 'a new model with weights by chance: mlp, fedavg-cnn, resnet, text-classifier, llama, gpt',
  usage: `PRESET|SPEC.json -o OUT.onnx
  PRESET                 ${Object.keys(presets).join(', ')}
  SPEC.json              an object with a "family" and its numbers; --show prints a preset's as an example
  --set KEY=VALUE        another number of the spec, such as hidden=64; may be repeated
  --form training|serving  decoders: plain operators and a fixed length, to train (default), or fused ones and a
                         cache, to generate with
  --sequence N           decoders to train: tokens of an example (default 64)
  --seed N               of the weights (default 0)
  --show                 prints the spec and builds nothing
  --external             weights in OUT.onnx.data beside it`,
  options: {
    set: { type: 'string', multiple: true },
    form: { type: 'string' },
    sequence: { type: 'string' },
    seed: { type: 'string' },
    show: { type: 'boolean' },
    external: { type: 'boolean' },
  },
  async run(options, io) {
    const spec = await specOf(onlyFile(options), options.texts('set'));
    if (options.flag('show')) {
      io.out(toJson(spec));
      return true;
    }
    const output = outputOf(options);
    await requirePlace(output);
    const parameters = taken(countParameters(spec));
    const model = taken(buildModel(spec, formOf(options, spec), options.whole('seed', 0) ?? 0));
    const written = await withOutputs(io, (files) =>
      writeModelFile(io, files, output, model, { external: options.flag('external') }),
    );
    io.out(
      options.flag('json')
        ? toJson({ command: 'build', output: written.files, spec, parameters, bytes: written.bytes })
        : `${written.files.join(', ')}: ${spec.family}, ${grouped(parameters)} parameters, ${byteText(written.bytes)}`,
    );
    return true;
  },
};

const specOf = async (name: string, settings: readonly string[]): Promise<ModelSpec> => {
  const preset = isPreset(name) ? presets[name] : undefined;
  if (preset === undefined && !name.endsWith('.json'))
    throw misused(
      `There is no preset '${name}': they are ${Object.keys(presets).join(', ')}, or a .json file.`,
    );
  const read: unknown = preset ?? parse(await readFile(name, 'utf8'), name);
  if (!isRecord(read)) throw new Stop(`${name} is no JSON object with a "family".`);
  const spec = { ...read, ...Object.fromEntries(settings.map(settingOf)) };
  const like = Object.values(presets).find(({ family }) => family === spec['family']);
  if (like === undefined)
    throw new Stop(
      `The spec's family is ${JSON.stringify(spec['family'])}: mlp, fedavg-cnn, resnet, text-classifier and decoder can be built.`,
    );
  const keys = [...Object.keys(like), ...(like.family === 'decoder' ? optionalKeys : [])];
  const stranger = Object.keys(spec).find((key) => !keys.includes(key));
  if (stranger !== undefined)
    throw new Stop(`A ${like.family} has no '${stranger}': it has ${keys.join(', ')}.`);
  // The builders check every field of it themselves, whatever it is.
  return { ...like, ...spec } as ModelSpec;
};

const settingOf = (text: string): readonly [string, unknown] => {
  const at = text.indexOf('=');
  if (at < 1) throw misused(`--set is '${text}': KEY=VALUE is needed, such as hidden=64.`);
  const value = text.slice(at + 1);
  try {
    return [text.slice(0, at), JSON.parse(value)];
  } catch {
    return [text.slice(0, at), value];
  }
};

const formOf = (options: Options, { family }: ModelSpec): DecoderForm => {
  const kind = options.choice('form', ['training', 'serving']);
  const sequence = options.whole('sequence', 1);
  if (family !== 'decoder' && (kind ?? sequence) !== undefined)
    throw misused(`--form and --sequence are for decoders, and this is a ${family}.`);
  if (kind !== 'serving') return { kind: 'training', sequence: sequence ?? 64 };
  if (sequence !== undefined) throw misused('A model to serve takes any length: leave --sequence out.');
  return { kind };
};

const buildModel = (spec: ModelSpec, form: DecoderForm, seed: number): Result<Model, OnnxFault> => {
  const weights = { kind: 'seed', seed } as const;
  switch (spec.family) {
    case 'mlp':
      return buildMlp(spec, weights);
    case 'fedavg-cnn':
      return buildFedAvgCnn(spec, weights);
    case 'resnet':
      return buildResNet(spec, weights);
    case 'text-classifier':
      return buildTextClassifier(spec, weights);
    case 'decoder':
      return buildDecoder(spec, form, weights);
    default:
      return err(spec satisfies never);
  }
};

const parse = (text: string, path: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Stop(`${path} is no JSON: ${cause instanceof Error ? cause.message : cause}.`);
  }
};

const isPreset = (name: string): name is keyof typeof presets => Object.hasOwn(presets, name);

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
