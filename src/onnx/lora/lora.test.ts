import { describe, expect, it } from 'vitest';
import { unwrap } from '../../core/result.ts';
import { float32Tensor, int64Tensor, readFloat32 } from '../build/tensors.ts';
import { bytesSource } from '../codec/bytesSource.ts';
import {
  decodeModel,
  readSafetensors,
  type Safetensors,
  writeModel,
  writeSafetensors,
} from '../codec/index.ts';
import { collect, modelOf } from '../codec/testDoubles.ts';
import { int } from '../ir/attributes.ts';
import { tensorOf } from '../ir/tensor.ts';
import type { Model, Node, Tensor } from '../ir/types.ts';
import { evaluate } from '../reference/evaluate.ts';
import { ndArray } from '../reference/ndArray.ts';
import { node } from '../testDoubles.ts';
import { bakeAdapter } from './bakeAdapter.ts';
import { type AdapterMerge, mergeAdapters } from './mergeAdapters.ts';
import { fromPeft, modulePathOf, toPeft, weightNameOf } from './peft.ts';
import type { LoraAdapter } from './types.ts';

const matrix = (rows: number, columns: number, ...values: readonly number[]) =>
  float32Tensor([rows, columns], Float32Array.from(values));
const valuesOf = (tensor: Tensor | undefined) => [...unwrap(readFloat32(tensor!))];

/** Weights [2, 3], with factors of rank 1 and of rank 2. */
const query = 'model.layers.0.attn.q_proj.MatMul.weight';
const down = 'model.layers.0.mlp.down_proj.MatMul.weight';
const adapter: LoraAdapter = {
  scale: 2,
  factors: new Map([
    [query, { a: matrix(2, 1, 1, 2), b: matrix(1, 3, 1, 0, -1) }],
    [down, { a: matrix(2, 2, 1, 2, 3, 4), b: matrix(2, 3, 5, 1, 2, 7, 8, 9) }],
  ]),
};
const other: LoraAdapter = {
  scale: 0.5,
  factors: new Map([[query, { a: matrix(2, 2, 1, 0, 0, 1), b: matrix(2, 3, 4, 4, 4, 8, 8, 8) }]]),
};

/** scale·A·B. */
const productOf = ({ scale, factors }: LoraAdapter, name: string): readonly number[] => {
  const { a, b } = factors.get(name)!;
  const [rows = 0, rank = 0] = a.dims;
  const columns = b.dims[1] ?? 0;
  const [left, right] = [valuesOf(a), valuesOf(b)];
  return Array.from({ length: rows * columns }, (_, at) => {
    const [i, j] = [Math.floor(at / columns), at % columns];
    let sum = 0;
    for (let k = 0; k < rank; k++) sum += left[i * rank + k]! * right[k * columns + j]!;
    return scale * sum;
  });
};
const faultOf = async (work: Promise<{ readonly ok: boolean }>): Promise<string> => {
  const result = await work;
  return 'error' in result ? (result.error as { message: string }).message : 'fine';
};

describe('adapters merged by putting ranks side by side', () => {
  const cat = (weights: readonly number[]) => mergeAdapters([adapter, other], { kind: 'cat', weights });

  it('act as the weighted sum of both, exactly', async () => {
    const merged = unwrap(await cat([0.5, 3]));
    const expected = productOf(other, query).map(
      (value, i) => 3 * value + 0.5 * productOf(adapter, query)[i]!,
    );
    expect(productOf(merged, query)).toEqual(expected);
    expect(merged.factors.get(query)?.a.dims).toEqual([2, 3]);
  });

  it('leave what only one names to it', async () => {
    const merged = unwrap(await cat([0.5, 3]));
    expect(productOf(merged, down)).toEqual(productOf(adapter, down).map((value) => 0.5 * value));
  });

  it('are refused without a weight each, or where shapes differ', async () => {
    expect(await faultOf(cat([1]))).toBe('2 adapters need as many finite weights');
    const wide = { ...other, factors: new Map([[query, { a: matrix(2, 1, 1, 1), b: matrix(1, 1, 1) }]]) };
    expect(await faultOf(mergeAdapters([adapter, wide], { kind: 'cat', weights: [1, 1] }))).toBe(
      `${query} is [2, 3] in one adapter and [2, 1] in another`,
    );
    const broken = {
      ...other,
      factors: new Map([[query, { a: matrix(2, 1, 1, 1), b: matrix(2, 1, 1, 1) }]]),
    };
    expect(await faultOf(mergeAdapters([broken], { kind: 'cat', weights: [1] }))).toContain(
      'factors must be [in, r] and [r, out]',
    );
  });
});

describe('adapters merged factor by factor', () => {
  const by = (
    method: Extract<AdapterMerge, { kind: 'factors' }>['method'],
    ...adapters: readonly LoraAdapter[]
  ) => mergeAdapters(adapters, { kind: 'factors', method });
  const half = {
    ...adapter,
    factors: new Map(
      [...adapter.factors].map(([name, { a, b }]) => [
        name,
        {
          a,
          b: float32Tensor(
            b.dims,
            Float32Array.from(valuesOf(b), (value) => value / 2),
          ),
        },
      ]),
    ),
  };
  const mean = { kind: 'linear', weights: [1, 1] } as const;

  it('are the adapter itself if they are one', async () => {
    const merged = unwrap(await by(mean, adapter, adapter));
    expect(merged.scale).toBe(2);
    for (const name of adapter.factors.keys())
      expect(productOf(merged, name)).toEqual(productOf(adapter, name));
  });

  it('are averaged, A’s and B’s apart', async () => {
    const merged = unwrap(await by(mean, adapter, half));
    expect(valuesOf(merged.factors.get(query)?.a)).toEqual([1, 2]);
    expect(valuesOf(merged.factors.get(query)?.b)).toEqual([0.75, 0, -0.75]);
  });

  it('take methods of task vectors, whose base is nothing', async () => {
    const merged = unwrap(await by({ kind: 'ties', density: 0.5, weights: [1, 1] }, adapter, half));
    expect(valuesOf(merged.factors.get(query)?.a)).toEqual([0, 2]);
  });

  it('may have scales of their own', async () => {
    const quadruple = { ...adapter, scale: 8 };
    const merged = unwrap(await by(mean, adapter, quadruple));
    expect(valuesOf(merged.factors.get(query)?.a)).toEqual([1.5, 3]);
    expect(await faultOf(by(mean, adapter, { ...adapter, scale: -1 }))).toContain('must have one sign');
  });

  it('need the same weights and ranks', async () => {
    expect(await faultOf(by(mean, adapter, other))).toContain('ranks 1, 2');
    expect(await faultOf(by(mean, other, adapter))).toContain('ranks');
    const first = { ...adapter, factors: new Map([...adapter.factors].slice(0, 1)) };
    expect(await faultOf(by(mean, adapter, first))).toBe(`not every adapter has factors for ${down}`);
  });
});

const written = async (model: Model): Promise<Model> => {
  const sink = collect();
  unwrap(await writeModel(model, sink.write));
  return unwrap(decodeModel(sink.bytes()));
};
const modelWith = (weight: Tensor, ...nodes: readonly Node[]): Model =>
  modelOf({
    nodes,
    inputs: [{ name: 'x', type: { kind: 'tensor', dtype: 'float32', shape: [1, 2] } }],
    outputs: [{ name: 'y', type: { kind: 'tensor', dtype: 'float32', shape: [1, 3] } }],
    initializers: new Map([[query, weight]]),
  });

describe('an adapter baked into its model', () => {
  const weight = matrix(2, 3, 1, 2, 3, 4, 5, 6);
  const plain = modelWith(weight, node('MatMul', ['x', query], ['y']));
  const only = { ...adapter, factors: new Map([...adapter.factors].slice(0, 1)) };

  it('computes x·W + scale·(x·A)·B', async () => {
    const baked = await written(unwrap(bakeAdapter({ model: plain }, only)));
    expect(valuesOf(baked.graph.initializers.get(query))).toEqual(
      valuesOf(weight).map((value, i) => value + productOf(adapter, query)[i]!),
    );
    const found = unwrap(evaluate(baked, new Map([['x', ndArray('float32', [1, 2], [1, 10])]])));
    // x·W = [41, 52, 63]; x·A = 21, scaled 42, along [1, 0, −1].
    expect([...found.get('y')!.values]).toEqual([83, 52, 21]);
  });

  it('keeps the type of the weight, and the model’s other bytes', async () => {
    const half = unwrap(tensorOf('float16', [2, 3], [2048, 2, 3, 4, 5, 6]));
    const odd = {
      scale: 1,
      factors: new Map([[query, { a: matrix(2, 1, 1, 0), b: matrix(1, 3, 1, 0, 0) }]]),
    };
    const baked = await written(
      unwrap(bakeAdapter({ model: modelWith(half, node('MatMul', ['x', query], ['y'])) }, odd)),
    );
    expect(baked.graph.initializers.get(query)?.dtype).toBe('float16');
    expect(valuesOf(baked.graph.initializers.get(query))).toEqual([2048, 2, 3, 4, 5, 6]); // 2049 is no float16
    expect(plain.graph.initializers.get(query)).toBe(weight);
  });

  it('is refused where a product would not be what is used', () => {
    const faultAt = (model: Model, which: LoraAdapter = only) => {
      const result = bakeAdapter({ model }, which);
      return result.ok ? 'baked' : `${result.error.node ?? ''} ${result.error.message}`.trim();
    };
    const product = node('MatMul', ['x', query], ['y']);
    expect(faultAt(plain, adapter)).toBe(`the model has no initializer ${down}`);
    expect(faultAt(modelWith(matrix(3, 2, 1, 2, 3, 4, 5, 6), product))).toContain(
      "is [3, 2], and the adapter's product [2, 3]",
    );
    expect(faultAt(modelWith(int64Tensor([2, 3], [1, 2, 3, 4, 5, 6]), product))).toContain('is int64');
    expect(
      faultAt(modelWith(weight, node('Gemm', ['x', query], ['y'], { attributes: { transB: int(1) } }))),
    ).toContain('input of Gemm');
    expect(
      faultAt(modelWith(weight, product, node('Gather', [query, 'i'], ['e'], { name: '/embed' }))),
    ).toMatch(/^\/embed .* untie/);
    expect(faultAt(modelWith(weight, node('MatMul', [query, 'x'], ['y'])))).toContain('only x·W');
    expect(faultAt(modelWith(weight))).toBe(`no node uses ${query}`);
    expect(faultAt(plain, { ...only, scale: Number.NaN })).toBe("the adapter's scale is NaN");
  });
});

const fileOf = async ({ tensors, metadata }: Safetensors): Promise<Safetensors> => {
  const sink = collect();
  unwrap(await writeSafetensors(tensors, metadata, sink.write));
  return unwrap(await readSafetensors(bytesSource(sink.bytes())));
};

describe('PEFT’s files', () => {
  const path = 'model.layers.0.self_attn.q_proj';

  it('have PEFT’s names, and its orientation', async () => {
    const { file, config } = unwrap(await toPeft(adapter));
    expect([...file.tensors].map(([name, { dims }]) => [name, dims])).toEqual([
      [`base_model.model.${path}.lora_A.weight`, [1, 2]],
      [`base_model.model.${path}.lora_B.weight`, [3, 1]],
      ['base_model.model.model.layers.0.mlp.down_proj.lora_A.weight', [2, 2]],
      ['base_model.model.model.layers.0.mlp.down_proj.lora_B.weight', [3, 2]],
    ]);
    expect(valuesOf(file.tensors.get('base_model.model.model.layers.0.mlp.down_proj.lora_A.weight'))).toEqual(
      [1, 3, 2, 4],
    );
    expect(config).toEqual({
      peft_type: 'LORA',
      r: 2,
      lora_alpha: 4,
      rank_pattern: { [path]: 1 },
      alpha_pattern: { [path]: 2 },
      use_rslora: false,
      target_modules: [path, 'model.layers.0.mlp.down_proj'],
    });
    expect(file.metadata).toMatchObject({ format: 'pt', r: '2', lora_alpha: '4' });
  });

  it('come back as the adapter they were, whatever its weights are called', async () => {
    const named = {
      ...adapter,
      factors: new Map([['onnx::MatMul_12', adapter.factors.get(query)!], ...adapter.factors]),
    };
    const again = unwrap(await fromPeft(await fileOf(unwrap(await toPeft(named)).file)));
    expect(again.scale).toBe(2);
    expect([...again.factors.keys()].toSorted()).toEqual([...named.factors.keys()].toSorted());
    for (const [name, { a, b }] of named.factors) expect(again.factors.get(name)).toEqual({ a, b });
  });

  it('of PEFT’s own orientation multiply as PEFT does: x·Aᵀ·Bᵀ', async () => {
    const name = `base_model.model.${path}.lora_`;
    const tensors = new Map([
      [`${name}A.weight`, matrix(2, 3, 1, 2, 3, 4, 5, 6)],
      [`${name}B.weight`, matrix(3, 2, 1, 10, 100, 1000, 0, 1)],
    ]);
    const read = unwrap(await fromPeft({ tensors, metadata: undefined }, { config: { lora_alpha: 2 } }));
    expect(productOf(read, query)).toEqual([41, 4100, 4, 52, 5200, 5, 63, 6300, 6]);
  });

  it('by others take their scale from the configuration beside them', async () => {
    const { file } = unwrap(await toPeft(adapter));
    const foreign = await fileOf({ tensors: file.tensors, metadata: { format: 'pt' } });
    const read = async (config: unknown) => unwrap(await fromPeft(foreign, { config }));
    const plain = await read({ r: 2, lora_alpha: 16 });
    expect(plain.factors.has(query)).toBe(true);
    expect(productOf(plain, query)).toEqual(productOf({ ...adapter, scale: 16 }, query));
    expect(productOf(plain, down)).toEqual(productOf({ ...adapter, scale: 8 }, down));
    const patterned = await read({ lora_alpha: 4, alpha_pattern: { q_proj: 3 } });
    expect(productOf(patterned, query)).toEqual(productOf({ ...adapter, scale: 3 }, query));
    const stable = await read({ lora_alpha: 4, use_rslora: true });
    for (const [i, value] of productOf({ ...adapter, scale: 4 / Math.SQRT2 }, down).entries())
      expect(productOf(stable, down)[i]).toBeCloseTo(value, 5);
  });

  it('may be of 16 bits', async () => {
    const half = (rows: number, columns: number, values: readonly number[]) =>
      unwrap(tensorOf('bfloat16', [rows, columns], values));
    const tensors = new Map([
      [`base_model.model.${path}.lora_A.weight`, half(1, 2, [1, 2])],
      [`base_model.model.${path}.lora_B.weight`, half(3, 1, [1, 0, -1])],
    ]);
    const read = unwrap(
      await fromPeft(await fileOf({ tensors, metadata: undefined }), { config: { lora_alpha: 2 } }),
    );
    expect(productOf(read, query)).toEqual(productOf(adapter, query));
  });

  it('are refused where they say more than factors, or too little', async () => {
    const { file } = unwrap(await toPeft(adapter));
    const bare = { tensors: file.tensors, metadata: undefined };
    const [firstName = '', first = matrix(1, 1, 0)] = [...file.tensors][0] ?? [];
    const withOne = (name: string, tensor: Tensor) => ({
      ...bare,
      tensors: new Map([...file.tensors, [name, tensor]]),
    });
    const config = { lora_alpha: 4 };
    expect(await faultOf(fromPeft(bare))).toContain('nothing says lora_alpha');
    expect(await faultOf(fromPeft(withOne('base_model.model.lm_head.weight', first), { config }))).toContain(
      'is no factor of a linear layer',
    );
    expect(await faultOf(fromPeft(withOne('base_model.model.x.lora_A.weight', first), { config }))).toBe(
      'x has no lora_B',
    );
    expect(await faultOf(fromPeft(withOne(firstName, matrix(2, 1, 0, 0)), { config }))).toContain(
      'lora_A must be [r, in]',
    );
    expect(await faultOf(fromPeft(bare, { config: { lora_alpha: 4, use_dora: true } }))).toContain('DoRA');
    expect(
      await faultOf(fromPeft(bare, { config: { lora_alpha: 4, alpha_pattern: { '.*proj': 1 } } })),
    ).toContain('a pattern, no path');
    expect(await faultOf(fromPeft({ tensors: new Map(), metadata: undefined }, { config }))).toContain(
      'no adapted module',
    );
    expect(await faultOf(fromPeft({ ...bare, metadata: { weights: '{}' } }, { config }))).toContain(
      'no list of paths',
    );
    expect(await faultOf(toPeft(adapter, () => 'same'))).toContain('both same');
  });

  it('know builders’ names as transformers’', () => {
    expect(modulePathOf(query)).toBe(path);
    expect(weightNameOf(path)).toBe(query);
    expect(weightNameOf(modulePathOf(down))).toBe(down);
  });
});
