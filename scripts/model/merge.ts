/** Several models, checkpoints or adapters into one; an adapter into its model. */
import { basename } from 'node:path';
import {
  bakeAdapter,
  checkMethod,
  hoistConstants,
  type LayerSlice,
  type LoraAdapter,
  type MergeMethod,
  type Model,
  mergeAdapters,
  mergeCheckpoints,
  mergeModels,
  needsBase,
  type OpenExternal,
  type Safetensors,
  stackCheckpoints,
  verifyModel,
} from '../../src/onnx/index.ts';
import type { AtomicFiles } from '../../src/platform/node/index.ts';
import { isAdapter, readAdapter, writeAdapter } from './adapters.ts';
import type { Command } from './command.ts';
import {
  type Inputs,
  type ModelFile,
  requirePlace,
  type WrittenModel,
  withInputs,
  withOutputs,
  writeModelFile,
} from './files.ts';
import { byteText, counted, toJson } from './format.ts';
import { type Io, misused, Stop, taken } from './io.ts';
import { type Options, outputOf } from './options.ts';
import { refusalIn, writeTensors } from './tensorFiles.ts';

const kinds = ['linear', 'task-arithmetic', 'slerp', 'ties', 'dare', 'della', 'model-stock'] as const;

export const merge: Command = {
  summary: 'several models, checkpoints or adapters into one; an adapter into its model',
  usage: `--method METHOD FILE… -o OUT
  FILE                   .onnx of one graph, or .safetensors: full checkpoints, or PEFT's adapters
  --method               ${kinds.join(', ')};
                         passthrough (layers of checkpoints stacked), cat (adapters: the exact sum of their products)
  --base FILE            what training began with: for all but linear, slerp, passthrough and cat; not for adapters
  --weights A,B,…        one for each FILE (default 1 each; linear divides by their sum, cat begins with 1 ÷ count)
  --t T                  slerp: from the first (0) to the second (1); default 0.5
  --density D            ties, dare, della: part of each task vector that is kept (default 0.5)
  --epsilon E            della: chances go from D - E to D + E (default 0.1)
  --lambda L             scales what is added to the base (default 1)
  --seed S               dare, della (default 0)
  --slices FILE:0-4,…    passthrough: layers 0 to 3 of FILE, and so on, bottom up
  --bake ADAPTER         FILE is a model, and the adapter's products are added to its weights
  --external             weights in OUT.onnx.data beside it`,
  options: {
    method: { type: 'string' },
    base: { type: 'string' },
    weights: { type: 'string' },
    t: { type: 'string' },
    density: { type: 'string' },
    epsilon: { type: 'string' },
    lambda: { type: 'string' },
    seed: { type: 'string' },
    slices: { type: 'string' },
    bake: { type: 'string' },
    external: { type: 'boolean' },
  },
  async run(options, io) {
    const output = outputOf(options);
    const work = workOf(options);
    await requirePlace(output);
    const done = await withInputs((inputs) =>
      withOutputs(io, (files) => work({ options, io, inputs, files, output })),
    );
    const { what, ...numbers } = done;
    io.out(
      options.flag('json')
        ? toJson({ command: 'merge', ...numbers })
        : `${done.output.join(', ')}: ${what}, ${byteText(done.bytes)}`,
    );
    return true;
  },
};

type Work = {
  readonly options: Options;
  readonly io: Io;
  readonly inputs: Inputs;
  readonly files: AtomicFiles;
  readonly output: string;
};
type Done = {
  readonly what: string;
  readonly method: string;
  readonly files: readonly string[];
  readonly output: readonly string[];
  readonly bytes: number;
  /** passthrough: what the configuration must say now. */
  readonly layers?: number;
};

/** What is asked for, refused before a file is opened if it is asked for wrongly. */
const workOf = (options: Options): ((work: Work) => Promise<Done>) => {
  const bake = options.text('bake');
  const kind = options.choice('method', [...kinds, 'passthrough', 'cat']);
  if (bake !== undefined) {
    if (kind !== undefined) throw misused('--bake has no --method: it adds the adapter’s products.');
    return bakeInto(bake);
  }
  if (kind === undefined) throw misused(`By which --method? ${kinds.join(', ')}, passthrough or cat.`);
  if (kind === 'passthrough') return stack(slicesOf(options));
  const { files } = options;
  if (files.length === 0) throw misused('Which files?');
  const isModels = files.every((path) => path.endsWith('.onnx'));
  if (kind !== 'cat') checkAsked(methodOf(kind, options), options, isModels);
  if (files.every((path) => path.endsWith('.safetensors'))) return mergeTensorFiles(kind);
  if (!isModels) throw misused('Files are all .onnx, or all .safetensors: one kind is merged.');
  if (kind === 'cat') throw misused('cat is for adapters, which are .safetensors.');
  return mergeModelFiles(kind);
};

/** Adapters need no base, and only their files say that they are some. */
const checkAsked = (method: MergeMethod, options: Options, isModels: boolean): void => {
  const base = options.text('base');
  if (base !== undefined && !needsBase(method)) throw misused(`${method.kind} has no --base.`);
  const fits = checkMethod(method, options.files.length, base !== undefined || !isModels);
  if (!fits.ok) throw misused(`${fits.error.message}.`);
};

const methodOf = (kind: (typeof kinds)[number], options: Options): MergeMethod => {
  const weights = options.numbers('weights') ?? options.files.map(() => 1);
  const density = options.number('density', 0, 1) ?? 0.5;
  const lambda = options.number('lambda', -1e6, 1e6) ?? 1;
  const seed = options.whole('seed', 0) ?? 0;
  switch (kind) {
    case 'linear':
      return { kind, weights };
    case 'task-arithmetic':
      return { kind, weights, lambda };
    case 'slerp':
      return { kind, t: options.number('t', 0, 1) ?? 0.5 };
    case 'ties':
      return { kind, weights, density, lambda };
    case 'dare':
      return { kind, weights, density, lambda, seed };
    case 'della':
      return { kind, weights, density, lambda, seed, epsilon: options.number('epsilon', 0, 1) ?? 0.1 };
    case 'model-stock':
      return { kind };
    default:
      return kind satisfies never;
  }
};

const mergeModelFiles =
  (kind: (typeof kinds)[number]) =>
  async ({ options, io, inputs, files, output }: Work): Promise<Done> => {
    const basePath = options.text('base');
    const models = [];
    for (const path of options.files) models.push(await openModel(inputs, path));
    const base = basePath === undefined ? undefined : await openModel(inputs, basePath);
    const method = methodOf(kind, options);
    const merged = taken(await mergeModels(models, { method, ...(base ? { base } : {}) }));
    const open = models[0]?.open;
    const written = await writeComputed({
      io,
      files,
      output,
      model: merged,
      open,
      external: options.flag('external'),
    });
    return {
      what: `${counted(models.length, 'model')} by ${kind}`,
      method: kind,
      files: options.files,
      output: written.files,
      bytes: written.bytes,
    };
  };

/** Weights that an exporter wrote as nodes are merged as well. */
const openModel = async (inputs: Inputs, path: string): Promise<ModelFile> => {
  const file = await inputs.model(path, 0);
  return { ...file, model: hoistConstants(file.model) };
};

const bakeInto =
  (adapterPath: string) =>
  async ({ options, io, inputs, files, output }: Work): Promise<Done> => {
    const [path, more] = options.files;
    if (path === undefined || more !== undefined) throw misused('--bake ADAPTER goes with one model.');
    const file = await inputs.model(path);
    const adapter = await readAdapter(inputs, adapterPath);
    const baked = taken(bakeAdapter(file, adapter), path);
    const external = options.flag('external');
    const written = await writeComputed({ io, files, output, model: baked, open: file.open, external });
    return {
      what: `${basename(adapterPath)} in ${counted(adapter.factors.size, 'weight')} of ${basename(path)}`,
      method: 'bake',
      files: [path, adapterPath],
      output: written.files,
      bytes: written.bytes,
    };
  };

type Computed = {
  readonly io: Io;
  readonly files: AtomicFiles;
  readonly output: string;
  readonly model: Model;
  readonly open: OpenExternal | undefined;
  readonly external: boolean;
};

const writeComputed = async ({
  io,
  files,
  output,
  model,
  open,
  external,
}: Computed): Promise<WrittenModel> => {
  const [broken] = verifyModel(model);
  if (broken) throw new Stop(`What comes out would break a rule: ${broken.message}`);
  try {
    return await writeModelFile(io, files, output, model, {
      external,
      label: 'merging',
      ...(open ? { open } : {}),
    });
  } catch (cause) {
    throw await refusalIn(model.graph.initializers.values(), io, cause);
  }
};

const mergeTensorFiles =
  (kind: (typeof kinds)[number] | 'cat') =>
  async (work: Work): Promise<Done> => {
    const { options, inputs } = work;
    const read: Safetensors[] = [];
    for (const path of options.files) read.push(await inputs.safetensors(path));
    const adapters = read.filter(isAdapter).length;
    if (adapters > 0 && adapters < read.length)
      throw new Stop(
        `${adapters} of ${read.length} files are adapters: bake them with --bake, or merge one kind.`,
      );
    if (adapters > 0) return mergeAdapterFiles(kind, work);
    if (kind === 'cat') throw new Stop('cat is for adapters, and these are whole checkpoints: take linear.');
    const basePath = options.text('base');
    const base = basePath === undefined ? undefined : await inputs.safetensors(basePath);
    const merged = taken(
      mergeCheckpoints(read, { method: methodOf(kind, options), ...(base ? { base } : {}) }),
    );
    const bytes = await writeTensors(work, merged);
    return {
      what: `${counted(read.length, 'checkpoint')} by ${kind}`,
      method: kind,
      files: options.files,
      output: [work.output],
      bytes,
    };
  };

const mergeAdapterFiles = async (kind: (typeof kinds)[number] | 'cat', work: Work): Promise<Done> => {
  const { options, inputs } = work;
  if (options.text('base')) throw misused('Adapters have no --base: they are what training changed.');
  const adapters: LoraAdapter[] = [];
  for (const path of options.files) adapters.push(await readAdapter(inputs, path));
  const count = adapters.length;
  const merged = taken(
    await mergeAdapters(
      adapters,
      kind === 'cat'
        ? { kind, weights: options.numbers('weights') ?? adapters.map(() => 1 / count) }
        : { kind: 'factors', method: methodOf(kind, options) },
    ),
  );
  const written = await writeAdapter(work, merged);
  return {
    what: `${counted(count, 'adapter')} by ${kind}, ${counted(merged.factors.size, 'weight')}`,
    method: kind,
    files: options.files,
    output: written.files,
    bytes: written.bytes,
  };
};

const stack =
  (slices: ReturnType<typeof slicesOf>) =>
  async (work: Work): Promise<Done> => {
    const read: Safetensors[] = [];
    for (const path of slices.paths) read.push(await work.inputs.safetensors(path));
    const { checkpoint, layers } = taken(stackCheckpoints(read, { slices: slices.layers }));
    const bytes = await writeTensors(work, checkpoint);
    return {
      what: `${counted(layers, 'layer')} stacked; its config.json must say so`,
      method: 'passthrough',
      files: slices.paths,
      output: [work.output],
      bytes,
      layers,
    };
  };

const slicesOf = (
  options: Options,
): { readonly paths: readonly string[]; readonly layers: readonly LayerSlice[] } => {
  const given = options.text('slices');
  if (given === undefined)
    throw misused('passthrough needs --slices, such as a.safetensors:0-4,b.safetensors:2-6.');
  if (options.files.length > 0) throw misused('passthrough takes its files from --slices alone.');
  const paths: string[] = [];
  const layers = given.split(',').map((text): LayerSlice => {
    const [, path = '', from, to] = /^(.+):(\d+)-(\d+)$/.exec(text) ?? [];
    if (path === '') throw misused(`A slice is '${text}': FILE:FROM-TO is needed, the last layer left out.`);
    if (!path.endsWith('.safetensors'))
      throw misused(
        `'${path}' is no .safetensors: layers of checkpoints are stacked, where names say which is which.`,
      );
    if (!paths.includes(path)) paths.push(path);
    return { model: paths.indexOf(path), layers: [Number(from), Number(to)] };
  });
  return { paths, layers };
};
