/** Weights in fewer bits, or in another form. */
import { stat } from 'node:fs/promises';
import {
  hoistConstants,
  type Model,
  prepareQuantization,
  prepareReencoding,
  type Quantization,
  type QuantizationReport,
  type QuantizeOptions,
  type Scheme,
  verifyModel,
} from '../../src/onnx/index.ts';
import type { Command } from './command.ts';
import { seededFeeds, shapesOf } from './feeds.ts';
import {
  type ModelFile,
  requirePlace,
  type WrittenModel,
  withInputs,
  withOutputs,
  writeModelFile,
} from './files.ts';
import { byteText, counted, percent, short, toJson } from './format.ts';
import { breathe, type Io, misused, Stop, stopIfAsked, taken } from './io.ts';
import { matcherOf, type Options, onlyFile, outputOf } from './options.ts';
import { compareOutputs, type Difference, openRuntime, runModel } from './session.ts';

export const quantize: Command = {
  summary: 'weights as int8, in 4 bits or ternary, or a 4-bit model’s in another form',
  usage: `FILE.onnx --to int8|q4|ternary|float32 -o OUT.onnx
  --to                   int8 for WebAssembly, q4 for WebGPU and the wire, ternary for storage; of a model whose
                         weights are in blocks already, int8 and float32 encode those again
  --method rtn|hqq       q4: round to nearest (default), or half-quadratic optimisation
  --block 16|32|64|128   q4, ternary: weights that share a scale (default 32, ternary 64)
  --symmetric            q4: without zero points
  --keep PATTERN         weights that stay as they are, '*' for any characters; may be repeated
  --no-embeddings        tables that are looked up in stay
  --external             weights in OUT.onnx.data beside it (over 1.9 GB they are in any case)
  --check                runs the model before and after on the same input, and compares
  --shape NAME=1,3,48,8  --check: dims of an input
  --seed N               --check: of the input (default 0)`,
  options: {
    to: { type: 'string' },
    method: { type: 'string' },
    block: { type: 'string' },
    symmetric: { type: 'boolean' },
    keep: { type: 'string', multiple: true },
    'no-embeddings': { type: 'boolean' },
    external: { type: 'boolean' },
    check: { type: 'boolean' },
    shape: { type: 'string', multiple: true },
    seed: { type: 'string' },
  },
  async run(options, io) {
    const path = onlyFile(options);
    const output = outputOf(options);
    const to = options.choice('to', ['int8', 'q4', 'ternary', 'float32']);
    if (to === undefined) throw misused('To what? Say it with --to: int8, q4, ternary or float32.');
    const asked: Asked = {
      to,
      path,
      output,
      options,
      shapes: shapesOf(options),
      seed: options.whole('seed', 0) ?? 0,
    };
    schemeOf(asked);
    await requirePlace(asked.output);
    await withInputs(async (inputs) => {
      // Weights that an exporter wrote as nodes count as well: those of less than 1024 elements are not quantised anyway.
      const file = await inputs.model(path, 4_095);
      const before = await fileBytes(path, file.model);
      const { report, written } = await convert(asked, file, io);
      const after = await inputs.model(output);
      const [fault] = verifyModel(after.model);
      if (fault) throw new Stop(`${output} was written, and breaks a rule: ${fault.message}`);
      const difference = options.flag('check') ? await check(asked, file, after, io) : undefined;
      tell({ asked, before, report, written, difference }, io);
    });
    return true;
  },
};

type Asked = {
  readonly to: 'int8' | 'q4' | 'ternary' | 'float32';
  readonly path: string;
  readonly output: string;
  readonly options: Options;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly seed: number;
};

const convert = async (
  asked: Asked,
  file: ModelFile,
  io: Io,
): Promise<{ readonly report: QuantizationReport; readonly written: WrittenModel }> => {
  const quantization = prepared(asked, file, io);
  if (quantization.tensors.length === 0) throw new Stop(nothingToDo(asked, quantization));
  const written = await withOutputs(io, async (files) => {
    try {
      return await writeModelFile(io, files, asked.output, quantization.model, {
        open: file.open,
        external: asked.options.flag('external'),
        label: asked.to,
      });
    } catch (cause) {
      const failure = quantization.failure();
      stopIfAsked(io);
      throw failure === undefined ? cause : new Stop(`${asked.path}: ${failure.code}: ${failure.message}`);
    }
  });
  return { report: quantization.report(), written };
};

const prepared = (asked: Asked, { path, model, open }: ModelFile, io: Io): Quantization => {
  const { options, to } = asked;
  const how: QuantizeOptions = { open, signal: io.signal, breathe };
  const isPacked = model.graph.nodes.some(({ op }) => op === 'MatMulNBits');
  if (to === 'float32' || (to === 'int8' && isPacked)) return taken(prepareReencoding(model, to, how), path);
  const spec = {
    scheme: schemeOf(asked),
    embeddings: !options.flag('no-embeddings'),
    keep: matcherOf(options.texts('keep')),
  };
  return taken(prepareQuantization(hoistConstants(model), spec, how), path);
};

/** Refuses options that another scheme has. */
const schemeOf = ({ to, options }: Pick<Asked, 'to' | 'options'>): Scheme => {
  const only = (name: string, kinds: readonly string[]) => {
    if (!kinds.includes(to)) throw misused(`--${name} is for ${kinds.join(' and ')}, and --to is ${to}.`);
  };
  const given = options.choice('block', ['16', '32', '64', '128']);
  if (given !== undefined) only('block', ['q4', 'ternary']);
  if (options.text('method') !== undefined) only('method', ['q4']);
  if (options.flag('symmetric')) only('symmetric', ['q4']);
  const block = given === undefined ? undefined : blocks[given];
  if (to === 'ternary') return block === undefined ? { kind: to } : { kind: to, block };
  if (to !== 'q4') return { kind: 'int8' };
  const method = options.choice('method', ['rtn', 'hqq']) ?? 'rtn';
  return { kind: 'q4', method, block: block ?? 32, symmetric: options.flag('symmetric') };
};
const blocks = { '16': 16, '32': 32, '64': 64, '128': 128 } as const;

const nothingToDo = ({ to }: Asked, { skipped }: Quantization): string => {
  if (to === 'float32') return 'The model has no weights in blocks that could become float32.';
  const [first] = skipped;
  return `No weight of the model can become ${to}${first ? `: ${counted(skipped.length, 'was', 'were')} looked at, '${first.name}' for one: ${first.reason}` : ': none has 1024 elements or more'}.`;
};

const check = async (
  { shapes, seed }: Asked,
  before: ModelFile,
  after: ModelFile,
  io: Io,
): Promise<Difference> => {
  if (!io.isTerminal) io.note('checking on the runtime\n');
  const runtime = await openRuntime();
  const feeds = seededFeeds(hoistConstants(before.model), shapes, seed);
  const expected = await runModel(runtime, before.model, feeds, before.open);
  return compareOutputs(expected, await runModel(runtime, after.model, feeds, after.open));
};

/** Of the file and those beside it. */
const fileBytes = async (path: string, model: Model): Promise<number> => {
  let bytes = (await stat(path)).size;
  for (const { data } of model.graph.initializers.values())
    if (data.kind === 'external') bytes += data.length ?? 0;
  return bytes;
};

type Outcome = {
  readonly asked: Asked;
  readonly before: number;
  readonly report: QuantizationReport;
  readonly written: WrittenModel;
  readonly difference: Difference | undefined;
};

const tell = ({ asked, before, report, written, difference }: Outcome, io: Io): void => {
  const worst = report.tensors.toSorted((a, b) => b.error.relative - a.error.relative).slice(0, 5);
  if (asked.options.flag('json')) {
    io.out(
      toJson({
        command: 'quantize',
        file: asked.path,
        output: written.files,
        to: asked.to,
        bytes_before: before,
        bytes_after: written.bytes,
        ratio: before / written.bytes,
        tensors: report.tensors,
        skipped: report.skipped,
        check: difference && {
          relative_error: difference.relative,
          max_abs_diff: difference.maxAbs,
          argmax_agreement: difference.argmax,
        },
      }),
    );
    return;
  }
  io.out(`${asked.path} → ${written.files.join(', ')}`);
  io.out(
    `  ${byteText(before)} → ${byteText(written.bytes)}, ${changeText(before, written.bytes)}, ${counted(report.tensors.length, 'weight')} as ${asked.to}`,
  );
  io.out('  largest relative errors of weights');
  for (const { name, dims, error } of worst)
    io.out(`    ${percent(error.relative).padStart(9)}  ${name}: [${dims}]`);
  tellSkipped(report, io);
  if (difference) io.out(`  check: ${differenceText(difference)}`);
};

const tellSkipped = ({ skipped }: QuantizationReport, io: Io): void => {
  const namesByReason = new Map<string, string[]>();
  for (const { name, reason } of skipped)
    namesByReason.set(reason, [...(namesByReason.get(reason) ?? []), name]);
  if (skipped.length > 0) io.out(`  ${counted(skipped.length, 'weight')} left as before`);
  for (const [reason, [first, ...others]] of namesByReason)
    io.out(`    ${reason}: ${first}${others.length > 0 ? ` and ${others.length} more` : ''}`);
};

/** A model in 4 bits grows when it becomes int8. */
const changeText = (before: number, after: number): string =>
  after <= before
    ? `${(before / after).toFixed(2)} times smaller`
    : `${(after / before).toFixed(2)} times larger`;

export const differenceText = ({ relative, maxAbs, argmax }: Difference): string =>
  relative === 0
    ? 'outputs are equal, bit for bit'
    : `outputs differ by ${percent(relative)} (largest ${short(maxAbs)})${argmax === undefined ? '' : `, the greatest is the same in ${percent(argmax)} of rows`}`;
