import { webcrypto } from 'node:crypto';
import * as ort from 'onnxruntime-web/wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { unwrap } from '../../core/result.ts';
import { buildDecoder } from '../build/decoder.ts';
import { computedSource } from '../codec/computedSource.ts';
import {
  bytesSource,
  decodeModel,
  encodeModel,
  joinChunks,
  readModel,
  splitExternal,
} from '../codec/index.ts';
import type { Model, Node } from '../ir/types.ts';
import { assembleStage } from './assembleStage.ts';
import { hashPlan, stageGraph } from './hashPlan.ts';
import { planStages } from './planStages.ts';
import { compareStages, runWhole, startRuntime } from './testSupport.ts';
import type { ByteRange, PlanOptions, Stage } from './types.ts';

beforeAll(startRuntime);

const digest = async (bytes: Uint8Array) =>
  new Uint8Array(await webcrypto.subtle.digest('SHA-256', new Uint8Array(bytes)));

const spec = {
  family: 'decoder',
  vocab: 13,
  hidden: 64,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  intermediate: 96,
  context: 64,
  epsilon: 1e-5,
  bias: 'none',
  tied: true,
  norm: 'rms',
  positions: { kind: 'rotary', theta: 10_000 },
  mlp: 'swiglu',
} as const;
const built = unwrap(buildDecoder(spec, { kind: 'serving' }, { kind: 'seed', seed: 8 }));
const file = joinChunks(unwrap(encodeModel(built)));

/** The file as a person has it: weights of more than a few bytes are not read. */
const opened = async (): Promise<Model> => unwrap(await readModel(bytesSource(file), { lazyAbove: 64 }));
const two: PlanOptions = { capacities: [1, 1], gap: 0 };

const planned = async (options: PlanOptions = two) =>
  unwrap(await hashPlan(unwrap(planStages(await opened(), options)), { digest }));

/** As it goes over the wire: the graph as a file, the hashes as JSON. */
const sent = (stage: Stage, location = 'model.onnx') => ({
  graph: unwrap(decodeModel(joinChunks(unwrap(encodeModel(stageGraph(stage, location)))))),
  hashes: new Map(stage.tensors.map(({ name, sha256 = '' }) => [name, sha256 as string])),
});

/** A file far away, with a list of what was asked of it. */
const remote = (bytes: Uint8Array = file) => {
  const asked: ByteRange[] = [];
  const read = async (range: ByteRange) => {
    asked.push(range);
    return bytes.slice(range.offset, range.offset + range.length);
  };
  return { asked, read };
};

describe('a stage from fetched ranges', () => {
  it('computes what the whole does, to the last bit, with a part of its tables too', async () => {
    const plan = await planned({ ...two, capacities: [1, 1, 1], maxContext: 16, ones: ['attention_mask'] });
    const whole = await runWhole(built, plan, { lengths: [9, 1, 1] });
    const run = await compareStages(whole, plan, async (stage) => {
      const options = { ...sent(stage), ...remote(), digest };
      const { model, externalData } = unwrap(await assembleStage(options.graph, options));
      return ort.InferenceSession.create(model, { externalData });
    });
    expect(run.differing).toBe(0);
  });

  it('fetches the bytes that it needs and no others', async () => {
    for (const stage of (await planned()).stages) {
      const { asked, read } = remote();
      unwrap(await assembleStage(sent(stage).graph, { ...sent(stage), read, digest, gap: 0 }));
      const strip = ({ offset, length }: ByteRange) => ({ offset, length });
      expect(asked.map(strip)).toEqual(stage.ranges.map(strip));
      const placed = stage.tensors.filter(({ place }) => place.kind === 'file');
      const needed = new Map(
        placed.map(({ place, length }) => [place.kind === 'file' && place.offset, length]),
      );
      const sum = (lengths: Iterable<number>) => [...lengths].reduce((a, b) => a + b, 0);
      expect(sum(asked.map(({ length }) => length))).toBe(sum(needed.values()));
      expect(sum(needed.values())).toBeLessThan(0.62 * file.byteLength);
    }
  });

  it('takes near ranges as one, and little more for it', async () => {
    const [exact] = (await planned()).stages;
    const [near] = (await planned({ ...two, gap: 4096 })).stages;
    const lengthOf = (stage: Stage | undefined) =>
      stage?.ranges.reduce((sum, { length }) => sum + length, 0) ?? 0;
    expect(near?.ranges.length).toBeLessThan((exact?.ranges.length ?? 0) / 4);
    expect(lengthOf(near)).toBeLessThan(1.02 * lengthOf(exact));
    expect(near?.bytes).toBe(exact?.bytes);
  });

  it('keeps what is in other files there, and counts what two names share once', async () => {
    const { model, writeData } = splitExternal(built, { location: 'weights.bin', above: 64 });
    const chunks: Uint8Array[] = [];
    unwrap(await writeData(async (chunk) => void chunks.push(chunk)));
    const weights = joinChunks(chunks);
    const named = model.graph.initializers.get('lm_head.MatMul.weight');
    if (named === undefined) throw new Error('there is no head');
    const initializers = new Map([...model.graph.initializers, ['copy', named]]);
    const nodes = model.graph.nodes.map((node) =>
      node.op === 'Transpose' ? { ...node, inputs: ['copy'] } : node,
    );
    const twice = { ...model, graph: { ...model.graph, initializers, nodes } };
    const readExternal = async ({
      offset,
      length = 0,
    }: {
      readonly offset: number;
      readonly length: number | undefined;
    }) => weights.slice(offset, offset + length);
    const plan = unwrap(
      await hashPlan(unwrap(planStages(twice, { capacities: [1] })), { digest, readExternal }),
    );
    const [stage] = plan.stages;
    if (stage === undefined) throw new Error('there is no stage');
    expect(new Set(stage.ranges.map(({ location }) => location))).toEqual(new Set(['weights.bin']));
    const reference = unwrap(planStages(built, { capacities: [1] })).stages[0];
    expect(stage.bytes).toBe(reference?.bytes);
    const { read } = remote(weights);
    const made = unwrap(await assembleStage(sent(stage).graph, { ...sent(stage), read, digest }));
    expect(made.externalData[0]?.data.byteLength).toBeLessThan(weights.byteLength + 64);
  });
});

describe('weights as nodes of type Constant', () => {
  it('stay in the file like others', async () => {
    const { graph } = built;
    const constants = [...graph.initializers].map(([name, value]): Node => {
      const attributes = { value: { type: 'tensor', value } } as const;
      return {
        op: 'Constant',
        domain: '',
        name: `Constant ${name}`,
        inputs: [],
        outputs: [name],
        attributes,
      };
    });
    const nodes = [...constants, ...graph.nodes];
    const older = { ...built, graph: { ...graph, nodes, initializers: new Map() } };
    const bytes = joinChunks(unwrap(encodeModel(older)));
    const model = unwrap(await readModel(bytesSource(bytes), { lazyAbove: 64 }));
    const plan = unwrap(await hashPlan(unwrap(planStages(model, two)), { digest }));
    const lengths = ({ ranges }: Stage) => ranges.map(({ length }) => length).sort((a, b) => a - b);
    expect(plan.stages.map(lengths)).toEqual((await planned()).stages.map(lengths));
    const whole = await runWhole(older, plan, { lengths: [4, 1] });
    const run = await compareStages(whole, plan, async (stage) => {
      const options = { ...sent(stage), ...remote(bytes), digest };
      const { model: part, externalData } = unwrap(await assembleStage(options.graph, options));
      return ort.InferenceSession.create(part, { externalData });
    });
    expect(run.differing).toBe(0);
  });
});

describe('what is fetched is not believed:', () => {
  const refusal = async (
    change: Partial<Parameters<typeof assembleStage>[1]>,
    stage = 1,
    location?: string,
  ) => {
    const known = sent((await planned()).stages[stage] ?? (await planned()).stages[0]!, location);
    const made = await assembleStage(known.graph, { ...known, read: remote().read, digest, ...change });
    return made.ok ? undefined : made.error;
  };

  it('one bit that is another', async () => {
    const [, last] = (await planned()).stages;
    const victim = last?.tensors.find(({ place }) => place.kind === 'file');
    const bytes = file.slice();
    const at = victim?.place.kind === 'file' ? victim.place.offset + 5 : 0;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    const fault = await refusal({ read: remote(bytes).read });
    expect(fault).toMatchObject({ code: 'invalid' });
    expect(fault?.message).toContain(`tensor "${victim?.name}" has SHA-256`);
  });

  it('fewer bytes, and none', async () => {
    expect(await refusal({ read: async () => new Uint8Array(3) })).toMatchObject({ code: 'missing' });
    const fault = await refusal({ read: () => Promise.reject(new Error('offline')) });
    expect(fault?.message).toMatch(/bytes at \d+ of model.onnx can't be read: offline/);
  });

  it('a tensor without a hash, a place outside the folder, more than fits', async () => {
    expect((await refusal({ hashes: new Map() }))?.message).toContain('has no SHA-256');
    expect((await refusal({}, 1, '../secrets'))?.message).toContain("leads out of the model's folder");
    const asked: ByteRange[] = [];
    const read = async (range: ByteRange) => {
      asked.push(range);
      return new Uint8Array(range.length);
    };
    expect(await refusal({ limit: 1000, read })).toMatchObject({ code: 'too-large' });
    expect(asked).toEqual([]);
  });

  it('a model whose weights are computed, which are in no file', async () => {
    const model = await opened();
    const initializers = new Map(
      [...model.graph.initializers].map(([name, tensor]) => {
        if (tensor.data.kind !== 'slice') return [name, tensor] as const;
        const { length } = tensor.data;
        const source = computedSource(length, () => new Uint8Array(length));
        return [name, { ...tensor, data: { kind: 'slice', source, offset: 0, length } }] as const;
      }),
    );
    const plan = planStages({ ...model, graph: { ...model.graph, initializers } }, two);
    expect(!plan.ok && plan.error.message).toContain('write the model to a file');
  });
});
