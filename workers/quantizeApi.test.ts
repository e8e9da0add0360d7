import { describe, expect, it } from 'vitest';
import { unwrap } from '../src/core/result.ts';
import { buildMlp } from '../src/onnx/build/mlp.ts';
import {
  decodeModel,
  encodeModel,
  type Model,
  type Node,
  splitExternal,
  verifyModel,
  writeSafetensors,
} from '../src/onnx/index.ts';
import type { ModelFiles, OnnxDescription, QuantizeProgress, Recipe } from './protocol.ts';
import { createQuantizeApi, type OpenOutput } from './quantizeApi.ts';

const mlp = (hidden: readonly number[] = [96, 64]): Model =>
  unwrap(
    buildMlp(
      { family: 'mlp', inputs: 64, hidden, outputs: 32, activation: 'relu' },
      { kind: 'seed', seed: 3 },
    ),
  );
const fileOf = (model: Model): Blob =>
  new Blob([unwrap(encodeModel(model)).map((part) => part.slice())].flat());
const filesOf = (model: Model, name = 'net.onnx'): ModelFiles => ({ name, file: fileOf(model), beside: [] });

type RigOptions = {
  readonly abortAtStep?: number;
  readonly roomFor?: number;
};

/** A disk in memory, and a page that may abort. */
const createRig = ({ abortAtStep, roomFor = Number.POSITIVE_INFINITY }: RigOptions = {}) => {
  const disk = new Map<string, Uint8Array[]>();
  const progress: QuantizeProgress[] = [];
  const abort = new AbortController();
  let steps = 0;
  let time = 0;
  const openOutput = async (name: string): Promise<OpenOutput> => {
    const parts: Uint8Array[] = [];
    let size = 0;
    disk.set(name, parts);
    return {
      async write(chunk) {
        size += chunk.byteLength;
        if (size > roomFor) throw new DOMException('no room', 'QuotaExceededError');
        parts.push(chunk.slice());
      },
      finish: async () => new Blob(parts as BlobPart[]),
      discard: async () => void disk.delete(name),
    };
  };
  const api = createQuantizeApi({
    openScope: () => ({
      signal: abort.signal,
      async step() {
        if (++steps === abortAtStep) abort.abort();
      },
    }),
    monotonic() {
      time += 60;
      return time;
    },
    openOutput,
  });
  const quantize = (files: ModelFiles, recipe: Recipe) =>
    api.quantize(files, recipe, 'made', (one) => void progress.push(one));
  return { api, quantize, disk, progress };
};

const openOnnx = async (files: ModelFiles) => {
  const { description, plans } = unwrap(await createRig().api.open(files));
  if (description.kind !== 'onnx') throw new Error('it is an .onnx');
  return { description: description satisfies OnnxDescription, plans };
};

const bytesIn = async (file: Blob) => new Uint8Array(await file.arrayBuffer());

describe('quantising a file', () => {
  it.each(['int8', 'q4', 'q4-hqq', 'ternary'] as const)(
    'makes what was planned, to the byte: %s',
    async (recipe) => {
      const files = filesOf(mlp());
      const { plans } = await openOnnx(files);
      const plan = plans.find((one) => one.recipe === recipe);
      const made = unwrap(await createRig().quantize(files, recipe));
      expect(plan?.outcome).toMatchObject({
        value: { bytesAfter: made.bytesAfter, tensors: made.tensors.length },
      });
      expect(made.file.size).toBe(made.bytesAfter);
      expect(made.bytesBefore).toBe(files.file.size);
      expect(verifyModel(unwrap(decodeModel(await bytesIn(made.file))))).toEqual([]);
      const errors = made.tensors.map(({ error }) => error.relative);
      expect(errors).toEqual(errors.toSorted((a, b) => b - a));
    },
  );

  it('tells how far it is, and ends with everything', async () => {
    const { quantize, progress } = createRig();
    unwrap(await quantize(filesOf(mlp()), 'int8'));
    expect(progress[0]).toMatchObject({ tensor: 'fc0.weight', tensorsDone: 0, tensors: 3, bytesDone: 0 });
    const done = progress.map(({ bytesDone }) => bytesDone);
    expect(done).toEqual(done.toSorted((a, b) => a - b));
    const last = progress.at(-1);
    expect(last).toMatchObject({ tensorsDone: 3, bytesDone: last?.bytes });
    expect(last?.bytesPerSecond).toBeGreaterThan(0);
  });

  it('leaves nothing behind when it is stopped', async () => {
    const { quantize, disk } = createRig({ abortAtStep: 1 });
    expect(await quantize(filesOf(mlp()), 'int8')).toMatchObject({ error: { code: 'cancelled' } });
    expect(disk.size).toBe(0);
  });

  it('leaves nothing behind when storage is full, and says so', async () => {
    const { quantize, disk } = createRig({ roomFor: 5_000 });
    const failed = await quantize(filesOf(mlp()), 'int8');
    expect(failed).toMatchObject({
      error: { code: 'full', message: expect.stringContaining('no storage left') },
    });
    expect(disk.size).toBe(0);
  });

  it('names a weight that is not a number, and leaves nothing behind', async () => {
    const model = mlp();
    const weight = model.graph.initializers.get('fc1.weight');
    if (weight?.data.kind !== 'bytes') throw new Error('it is in memory');
    const bytes = weight.data.bytes.slice();
    new DataView(bytes.buffer).setFloat32(40, Number.NaN, true);
    const broken = withInitializer(model, 'fc1.weight', { ...weight, data: { kind: 'bytes', bytes } });
    const { quantize, disk } = createRig();
    expect(await quantize(filesOf(broken), 'q4')).toMatchObject({
      error: { message: expect.stringContaining('"fc1.weight" has NaN at index 10') },
    });
    expect(disk.size).toBe(0);
    const { description } = await openOnnx(filesOf(broken));
    expect(description.problems[0]?.message).toContain('fc1.weight');
  });

  it('says that nothing would change, instead of making a copy', async () => {
    const { quantize, disk } = createRig();
    const { file } = unwrap(await createRig().quantize(filesOf(mlp()), 'int8'));
    const again = await quantize({ name: 'net.int8.onnx', file, beside: [] }, 'int8');
    expect(again).toMatchObject({ error: { message: expect.stringContaining('nothing would change') } });
    expect(disk.size).toBe(0);
  });

  it('takes a model in blocks apart again', async () => {
    const { file } = unwrap(await createRig().quantize(filesOf(mlp()), 'q4'));
    const packed = { name: 'net.q4.onnx', file, beside: [] };
    const { plans } = await openOnnx(packed);
    expect(
      plans.filter(({ outcome }) => outcome.ok && outcome.value.tensors > 0).map(({ recipe }) => recipe),
    ).toEqual(['unpack-int8', 'unpack-float32']);
    const made = unwrap(await createRig().quantize(packed, 'unpack-int8'));
    const ops = unwrap(decodeModel(await bytesIn(made.file))).graph.nodes.map(({ op }) => op);
    expect(ops).toContain('DynamicQuantizeMatMul');
    expect(ops).not.toContain('MatMulNBits');
  });

  it('sees weights that an exporter wrote as constants', async () => {
    const model = mlp();
    const constants = [...model.graph.initializers].map(
      ([name, value]): Node => ({
        op: 'Constant',
        domain: '',
        name: `make ${name}`,
        inputs: [],
        outputs: [name],
        attributes: { value: { type: 'tensor', value } },
      }),
    );
    const graph = { ...model.graph, initializers: new Map(), nodes: [...constants, ...model.graph.nodes] };
    const made = unwrap(await createRig().quantize(filesOf({ ...model, graph }), 'int8'));
    expect(made.tensors).toHaveLength(3);
  });
});

describe('weights in files of their own', () => {
  const split = async (): Promise<{ readonly main: Blob; readonly data: Blob }> => {
    const { model, writeData } = splitExternal(mlp(), { location: 'weights/net.bin', above: 1_000 });
    const chunks: Uint8Array[] = [];
    unwrap(await writeData(async (chunk) => void chunks.push(chunk)));
    return { main: fileOf(model), data: new Blob(chunks as BlobPart[]) };
  };

  it('are named when they were not given', async () => {
    const { main } = await split();
    const files = { name: 'net.onnx', file: main, beside: [] };
    const { description } = await openOnnx(files);
    expect(description.missing).toEqual(['weights/net.bin']);
    const { quantize, disk } = createRig();
    expect(await quantize(files, 'int8')).toMatchObject({
      error: { code: 'missing', message: expect.stringContaining('net.bin') },
    });
    expect(disk.size).toBe(0);
  });

  it('are found without their folder, and are in the new file', async () => {
    const { main, data } = await split();
    const files = { name: 'net.onnx', file: main, beside: [{ name: 'net.bin', file: data }] };
    const { description } = await openOnnx(files);
    expect(description).toMatchObject({ missing: [], bytes: main.size + data.size });
    const made = unwrap(await createRig().quantize(files, 'int8'));
    const { graph } = unwrap(decodeModel(await bytesIn(made.file)));
    expect([...graph.initializers.values()].some((tensor) => tensor.data.kind === 'external')).toBe(false);
  });
});

describe('a file', () => {
  const refusal = async (name: string, ...parts: BlobPart[]) => {
    const opened = await createRig().api.open({ name, file: new Blob(parts), beside: [] });
    return opened.ok ? 'opened' : opened.error.message;
  };

  it('that is no model is refused in words', async () => {
    const whole = await bytesIn(fileOf(mlp()));
    expect(await refusal('a.onnx')).toContain('0 bytes');
    expect(await refusal('a.onnx', 'these are words, no model')).toContain('no ONNX model');
    expect(await refusal('a.onnx', whole.slice(0, 9_000))).toContain('cut off');
    expect(await refusal('a.safetensors', new Uint8Array(100))).toContain('no .safetensors file');
  });

  it('of safetensors is told, and has no plans', async () => {
    const chunks: Uint8Array[] = [];
    const { initializers } = mlp().graph;
    unwrap(await writeSafetensors(initializers, { format: 'pt' }, async (chunk) => void chunks.push(chunk)));
    const file = new Blob(chunks as BlobPart[]);
    const { description, plans } = unwrap(
      await createRig().api.open({ name: 'net.safetensors', file, beside: [] }),
    );
    expect(plans).toEqual([]);
    expect(description).toMatchObject({ kind: 'safetensors', tensors: 6, metadata: [['format', 'pt']] });
    expect(description.largest[0]).toMatchObject({ name: 'fc0.weight', bytes: 64 * 96 * 4 });
  });
});

it('free sizes get one that is likely to work', async () => {
  const { description } = await openOnnx(filesOf(mlp()));
  expect(description.sizes).toEqual([{ name: 'batch', suggested: 1 }]);
  expect(description.feeds).toEqual([
    { name: 'input', dtype: 'float32', dims: ['batch', 64], obstacle: undefined, rows: undefined },
  ]);
});

const withInitializer = (
  model: Model,
  name: string,
  tensor: Model['graph']['initializers'] extends ReadonlyMap<string, infer T> ? T : never,
): Model => ({
  ...model,
  graph: { ...model.graph, initializers: new Map([...model.graph.initializers, [name, tensor]]) },
});
