/** What is in a file: nothing is written. */
import {
  inferModel,
  inspectModel,
  type Model,
  type ModelSummary,
  printModel,
  printType,
  type Safetensors,
  verifyModel,
} from '../../src/onnx/index.ts';
import type { Command } from './command.ts';
import { withInputs } from './files.ts';
import { byteText, grouped, toJson } from './format.ts';
import { type Io, misused, Stop, sentenceOf } from './io.ts';
import type { Options } from './options.ts';

export const inspect: Command = {
  summary: 'operators, parameters, sizes, inputs and outputs',
  usage: 'FILE…                  .onnx or .safetensors',
  options: {},
  run: (options, io) =>
    forEachFile(options, io, (path, json) =>
      withInputs(async (inputs) => {
        if (path.endsWith('.safetensors')) {
          const read = await inputs.safetensors(path);
          io.out(
            json
              ? toJson({ file: path, tensors: read.tensors.size, metadata: read.metadata })
              : [path, ...safetensorsLines(read)].join('\n'),
          );
          return true;
        }
        const summary = inspectModel((await inputs.model(path)).model);
        io.out(json ? toJson({ file: path, ...summary }) : [path, ...summaryLines(summary)].join('\n'));
        return true;
      }),
    ),
};

export const print: Command = {
  summary: 'the whole model as text, a line per node, with types',
  usage: `FILE…
  --nodes N              at most so many nodes of each graph`,
  options: { nodes: { type: 'string' } },
  async run(options, io) {
    const maxNodes = options.whole('nodes', 0);
    return forEachModel(options, io, (file, model, json) => {
      const text = printModel(model, {
        types: inferModel(model).types,
        ...(maxNodes === undefined ? {} : { maxNodes }),
      });
      io.out(json ? toJson({ file, text }) : text);
      return true;
    });
  },
};

export const verify: Command = {
  summary: 'what breaks ONNX’s rules; nothing if nothing does',
  usage: 'FILE…',
  options: {},
  run: (options, io) =>
    forEachModel(options, io, (file, model, json) => {
      const faults = verifyModel(model);
      if (json) io.out(toJson({ file, ok: faults.length === 0, faults }));
      else if (faults.length === 0) io.out(`${file}: nothing found`);
      else for (const { code, message } of faults) io.out(`${file}: ${code}: ${message}`);
      return faults.length === 0;
    }),
};

const forEachModel = (
  options: Options,
  io: Io,
  use: (file: string, model: Model, json: boolean) => boolean,
): Promise<boolean> =>
  forEachFile(options, io, (path, json) =>
    withInputs(async (inputs) => use(path, (await inputs.model(path)).model, json)),
  );

/** One that can't be read doesn't keep the others from being shown. */
const forEachFile = async (
  options: Options,
  io: Io,
  use: (path: string, json: boolean) => Promise<boolean>,
): Promise<boolean> => {
  if (options.files.length === 0) throw misused('Which file?');
  let good = true;
  for (const path of options.files)
    try {
      good = (await use(path, options.flag('json'))) && good;
    } catch (cause) {
      if (cause instanceof Stop && cause.exitCode === 2) throw cause;
      io.note(`${sentenceOf(cause)}\n`);
      good = false;
    }
  return good;
};

const summaryLines = (summary: ModelSummary): readonly string[] => [
  `  ${Object.entries(summary.opsets)
    .map(([domain, version]) => `${domain} ${version}`)
    .join(', ')}, ir ${summary.irVersion}${summary.producer ? `, by ${summary.producer}` : ''}`,
  ...summary.inputs.map(({ name, type }) => `  in   ${name}: ${printType(type)}`),
  ...summary.outputs.map(({ name, type }) => `  out  ${name}: ${printType(type)}`),
  `  ${grouped(summary.parameters)} parameters in ${grouped(summary.tensors)} tensors, ${byteText(summary.tensorBytes)} (${summary.bytesByType.map(([dtype, bytes]) => `${dtype} ${byteText(bytes)}`).join(', ') || 'none'})`,
  `  ${grouped(summary.nodes)} nodes: ${summary.ops.map(([op, count]) => `${op} ${count}`).join(', ')}`,
  ...(summary.files.length > 0 ? [`  data in ${summary.files.join(', ')}`] : []),
  ...largestLines(summary.largest),
];

const safetensorsLines = ({ tensors, metadata }: Safetensors): readonly string[] => {
  const entries = [...tensors].map(([name, { dtype, dims, data }]) => ({
    name,
    dtype,
    dims,
    bytes: data.kind === 'slice' ? data.length : 0,
  }));
  const total = entries.reduce((sum, { bytes }) => sum + bytes, 0);
  return [
    `  ${grouped(entries.length)} tensors, ${byteText(total)}`,
    ...Object.entries(metadata ?? {}).map(([key, value]) => `  ${key}: ${value}`),
    ...largestLines(entries.toSorted((a, b) => b.bytes - a.bytes)),
  ];
};

const largestLines = (largest: ModelSummary['largest']): readonly string[] =>
  largest
    .slice(0, 5)
    .map(({ name, dtype, dims, bytes }) => `  ${byteText(bytes).padStart(10)}  ${name}: ${dtype}[${dims}]`);
