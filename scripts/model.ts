/**
 * `npm run model -- inspect|print|verify FILE…`: what is in a model file, for people or as JSON. Reads what it needs and no
 * more, so a file of many gigabytes is as good as a small one. Ends with 1 if a file can't be read, or breaks ONNX's rules.
 */
import { open } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { unwrap } from '../src/core/result.ts';
import {
  inferModel,
  inspectModel,
  type Model,
  type ModelSummary,
  printModel,
  printType,
  readModel,
  readSafetensors,
  type Safetensors,
  verifyModel,
} from '../src/onnx/index.ts';
import { createFileSource } from '../src/platform/node/byteSource.ts';

const usage = `npm run model -- COMMAND FILE… [options]
  inspect          operators, parameters, sizes, inputs and outputs
  print            the whole model as text, a line per node, with types
  verify           what breaks ONNX's rules; nothing if nothing does
  --json           one JSON object per file
  --nodes N        print: at most so many nodes of each graph
FILE is an .onnx, or for inspect a .safetensors`;

const fail = (message: string): never => {
  console.error(`${message}\n\n${usage}`);
  process.exit(2);
};

type Options = { readonly json: boolean; readonly nodes: number | undefined };

const megabytes = (bytes: number): string =>
  bytes < 10_000
    ? `${bytes} B`
    : bytes < 1e6
      ? `${(bytes / 1e3).toFixed(1)} kB`
      : `${(bytes / 1e6).toFixed(2)} MB`;
const grouped = (count: number): string => count.toLocaleString('en-US');

const summaryLines = (summary: ModelSummary): readonly string[] => [
  `  ${Object.entries(summary.opsets)
    .map(([domain, version]) => `${domain} ${version}`)
    .join(', ')}, ir ${summary.irVersion}${summary.producer ? `, by ${summary.producer}` : ''}`,
  ...summary.inputs.map(({ name, type }) => `  in   ${name}: ${printType(type)}`),
  ...summary.outputs.map(({ name, type }) => `  out  ${name}: ${printType(type)}`),
  `  ${grouped(summary.parameters)} parameters in ${grouped(summary.tensors)} tensors, ${megabytes(summary.tensorBytes)} (${summary.bytesByType.map(([dtype, bytes]) => `${dtype} ${megabytes(bytes)}`).join(', ') || 'none'})`,
  `  ${grouped(summary.nodes)} nodes: ${summary.ops.map(([op, count]) => `${op} ${count}`).join(', ')}`,
  ...(summary.files.length > 0 ? [`  data in ${summary.files.join(', ')}`] : []),
  ...summary.largest
    .slice(0, 5)
    .map(({ name, dtype, dims, bytes }) => `  ${megabytes(bytes).padStart(10)}  ${name}: ${dtype}[${dims}]`),
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
    `  ${grouped(entries.length)} tensors, ${megabytes(total)}`,
    ...Object.entries(metadata ?? {}).map(([key, value]) => `  ${key}: ${value}`),
    ...entries
      .toSorted((a, b) => b.bytes - a.bytes)
      .slice(0, 5)
      .map(
        ({ name, dtype, dims, bytes }) => `  ${megabytes(bytes).padStart(10)}  ${name}: ${dtype}[${dims}]`,
      ),
  ];
};

/** JSON has no bigint, and a map is an object there. */
const toJson = (value: unknown): string =>
  JSON.stringify(value, (_key, part) => (typeof part === 'bigint' ? Number(part) : part));

type Command = (file: string, model: Model, options: Options) => boolean;

const commands: Readonly<Record<string, Command>> = {
  inspect(file, model, { json }) {
    const summary = inspectModel(model);
    if (json) console.log(toJson({ file, ...summary }));
    else console.log([file, ...summaryLines(summary)].join('\n'));
    return true;
  },
  print(file, model, { json, nodes }) {
    const text = printModel(model, {
      types: inferModel(model).types,
      ...(nodes === undefined ? {} : { maxNodes: nodes }),
    });
    console.log(json ? toJson({ file, text }) : text);
    return true;
  },
  verify(file, model, { json }) {
    const faults = verifyModel(model);
    if (json) console.log(toJson({ file, ok: faults.length === 0, faults }));
    else if (faults.length === 0) console.log(`${file}: nothing found`);
    else for (const { code, message } of faults) console.log(`${file}: ${code}: ${message}`);
    return faults.length === 0;
  },
};

const handle = async (name: string, command: Command, path: string, options: Options): Promise<boolean> => {
  const file = await open(path).catch(() => fail(`There is no file ${path} that can be read.`));
  try {
    const source = await createFileSource(file);
    if (name === 'inspect' && path.endsWith('.safetensors')) {
      const read = unwrap(await readSafetensors(source));
      console.log(
        options.json
          ? toJson({ file: path, tensors: read.tensors.size, metadata: read.metadata })
          : [path, ...safetensorsLines(read)].join('\n'),
      );
      return true;
    }
    const model = await readModel(source);
    if (model.ok) return command(path, model.value, options);
    console.error(`${path}: ${model.error.code}: ${model.error.message}`);
    return false;
  } finally {
    await file.close();
  }
};

const main = async (): Promise<boolean> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false }, nodes: { type: 'string' } },
  });
  const [name = '', ...files] = positionals;
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command) return fail(name ? `There is no command ${name}.` : 'Which command?');
  if (files.length === 0) return fail('Which file?');
  const nodes = values.nodes === undefined ? undefined : Number(values.nodes);
  if (nodes !== undefined && !(nodes >= 0)) return fail('--nodes is a number.');
  let good = true;
  for (const path of files) good = (await handle(name, command, path, { json: values.json, nodes })) && good;
  return good;
};

main().then(
  (good) => process.exit(good ? 0 : 1),
  (cause: unknown) => {
    console.error(cause instanceof Error ? cause.message : cause);
    process.exit(1);
  },
);
