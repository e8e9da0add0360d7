import { describe, expect, it } from 'vitest';
import { unwrap } from '../../core/result.ts';
import { toCheckpoint } from '../build/decoder/huggingFace.ts';
import { decoderParameters } from '../build/decoder/parameters.ts';
import type { DecoderForm, DecoderSpec } from '../build/decoder/spec.ts';
import { buildDecoder } from '../build/decoder.ts';
import { float32Tensor } from '../build/tensors.ts';
import { encodeModel, joinChunks } from '../codec/index.ts';
import type { Safetensors } from '../codec/safetensors.ts';
import { stackCheckpoints } from './stackCheckpoints.ts';
import { type BuiltDecoder, decoderWeights, stackDecoders } from './stackDecoders.ts';

const one = (value: number, dims = [1]) => float32Tensor(dims, new Float32Array(dims[0] ?? 1).fill(value));
/** Each tensor holds 100·model + 10·layer + part. */
const checkpointOf = (model: number, layers: number, prefix = 'model.layers'): Safetensors => ({
  tensors: new Map([
    ['model.embed_tokens.weight', one(100 * model + 97)],
    ...Array.from({ length: layers }, (_, i) => [
      [`${prefix}.${i}.mlp.experts.0.weight`, one(100 * model + 10 * i)] as const,
      [`${prefix}.${i}.norm.weight`, one(100 * model + 10 * i + 1)] as const,
    ]).flat(),
    ['model.norm.weight', one(100 * model + 98)],
    ['lm_head.weight', one(100 * model + 99)],
  ]),
  metadata: { format: 'pt' },
});
const firstOf = (file: Safetensors, name: string) => {
  const data = file.tensors.get(name)?.data;
  return data?.kind === 'bytes' ? new Float32Array(data.bytes.slice().buffer)[0] : undefined;
};

describe('layers of checkpoints', () => {
  it('are stacked and numbered anew; ends come from the ends', () => {
    const { checkpoint, layers } = unwrap(
      stackCheckpoints([checkpointOf(0, 3), checkpointOf(1, 4)], {
        slices: [
          { model: 0, layers: [0, 2] },
          { model: 1, layers: [2, 4] },
          { model: 1, layers: [2, 3] },
        ],
      }),
    );
    expect(layers).toBe(5);
    expect([...checkpoint.tensors.keys()].filter((name) => name.endsWith('experts.0.weight'))).toEqual(
      [0, 1, 2, 3, 4].map((i) => `model.layers.${i}.mlp.experts.0.weight`),
    );
    expect([0, 1, 2, 3, 4].map((i) => firstOf(checkpoint, `model.layers.${i}.norm.weight`))).toEqual([
      1, 11, 121, 131, 121,
    ]);
    expect(firstOf(checkpoint, 'model.embed_tokens.weight')).toBe(97);
    expect(firstOf(checkpoint, 'model.norm.weight')).toBe(198);
    expect(firstOf(checkpoint, 'lm_head.weight')).toBe(199);
    expect(checkpoint.tensors.get('model.layers.4.norm.weight')?.name).toBe('model.layers.4.norm.weight');
  });

  it('have GPT-2’s names as well', () => {
    const file = checkpointOf(0, 2, 'h');
    const { checkpoint } = unwrap(stackCheckpoints([file], { slices: [{ model: 0, layers: [1, 2] }] }));
    expect(firstOf(checkpoint, 'h.0.norm.weight')).toBe(11);
    expect(checkpoint.tensors.has('h.1.norm.weight')).toBe(false);
  });

  it('stay as they are when all of them are taken', () => {
    const file = checkpointOf(0, 12);
    const { checkpoint } = unwrap(stackCheckpoints([file], { slices: [{ model: 0, layers: [0, 12] }] }));
    expect([...checkpoint.tensors].map(([name, { data }]) => [name, data])).toEqual(
      [...file.tensors].map(([name, { data }]) => [name, data]),
    );
  });

  const faultOf = (
    files: readonly Safetensors[],
    ...slices: readonly (readonly [number, number, number])[]
  ) => {
    const result = stackCheckpoints(files, {
      slices: slices.map(([model, from, to]) => ({ model, layers: [from, to] })),
    });
    return result.ok ? 'stacked' : result.error.message;
  };
  const vision = {
    ...checkpointOf(0, 1),
    tensors: new Map([...checkpointOf(0, 1).tensors, ['vision.blocks.0.w', one(1)]]),
  };

  it.each<[string, readonly Safetensors[], readonly (readonly [number, number, number])[]]>([
    ['no slice', [checkpointOf(0, 1)], []],
    ['of model 1, and there are 1', [checkpointOf(0, 1)], [[1, 0, 1]]],
    ['layers 0 to before 2 of model 0, which has 1', [checkpointOf(0, 1)], [[0, 0, 2]]],
    ['layers 0 to before 1000000000000 of', [checkpointOf(0, 1)], [[0, 0, 1e12]]],
    ['layers 1 to before 1', [checkpointOf(0, 3)], [[0, 1, 1]]],
    ['layers 0.5 to', [checkpointOf(0, 3)], [[0, 0.5, 2]]],
    ['no numbered layers', [{ tensors: new Map([['w', one(1)]]), metadata: undefined }], [[0, 0, 1]]],
    ['numbered parts under model.layers, vision.blocks', [vision], [[0, 0, 1]]],
    [
      'layers are model.layers in one model and h in model 1',
      [checkpointOf(0, 1), checkpointOf(1, 1, 'h')],
      [
        [0, 0, 1],
        [1, 0, 1],
      ],
    ],
    [
      'is float32[1] at the bottom of the stack and float32[2] in layer 1 of the stack',
      [checkpointOf(0, 1), widened('model.layers.0.norm.weight')],
      [
        [0, 0, 1],
        [1, 0, 1],
      ],
    ],
    [
      'is float32[1] at the bottom of the stack and float32[2] in model 1',
      [checkpointOf(0, 1), widened('lm_head.weight')],
      [
        [0, 0, 1],
        [1, 0, 1],
      ],
    ],
  ])('are refused: %s', (message, files, slices) => expect(faultOf(files, ...slices)).toContain(message));

  it('are found by their prefix where others are numbered too', () => {
    const slices = [{ model: 0, layers: [0, 1] }] as const;
    const { checkpoint } = unwrap(stackCheckpoints([vision], { slices, prefix: 'model.layers' }));
    expect(checkpoint.tensors.has('vision.blocks.0.w')).toBe(true);
  });
});

const widened = (name: string): Safetensors => ({
  tensors: new Map([...checkpointOf(1, 1).tensors, [name, one(1, [2])]]),
  metadata: undefined,
});

const llama: DecoderSpec = {
  family: 'decoder',
  vocab: 6,
  hidden: 32,
  layers: 2,
  heads: 2,
  kvHeads: 1,
  intermediate: 8,
  context: 16,
  norm: 'rms',
  epsilon: 1e-5,
  positions: { kind: 'rotary', theta: 10_000 },
  mlp: 'swiglu',
  bias: 'none',
  tied: true,
};
const gpt: DecoderSpec = {
  ...llama,
  kvHeads: 2,
  norm: 'layer',
  positions: { kind: 'learned' },
  mlp: 'gelu',
  bias: 'all',
  tied: false,
};
const serving = { kind: 'serving' } as const;
const built = (spec: DecoderSpec, form: DecoderForm, seed = 1): BuiltDecoder => ({
  spec,
  form,
  model: unwrap(buildDecoder(spec, form, { kind: 'seed', seed })),
});
const bytesOf = ({ model }: BuiltDecoder) => joinChunks(unwrap(encodeModel(model)));

describe('layers of decoders', () => {
  it.each([
    ['Llama, to serve', llama, serving],
    ['Llama, to train', llama, { kind: 'training', sequence: 3 }],
    ['GPT, to serve', gpt, serving],
    ['GPT, to train', gpt, { kind: 'training', sequence: 3 }],
  ] as const)('give the same model if all are taken: %s', async (_name, spec, form) => {
    const decoder = built(spec, form);
    const stacked = unwrap(await stackDecoders([decoder], [{ model: 0, layers: [0, 2] }]));
    expect(bytesOf(stacked)).toEqual(bytesOf(decoder));
  });

  it('of two models make the model that their stacked checkpoints make', async () => {
    const decoders = [
      built(llama, serving, 1),
      built({ ...llama, layers: 3 }, { kind: 'training', sequence: 2 }, 2),
    ];
    const slices = [
      { model: 0, layers: [0, 2] },
      { model: 1, layers: [1, 3] },
    ] as const;
    const stacked = unwrap(await stackDecoders(decoders, slices));
    expect(stacked.spec.layers).toBe(4);
    const files = await Promise.all(
      decoders.map(async (decoder) => ({
        tensors: unwrap(toCheckpoint(decoder.spec, 'llama', unwrap(await decoderWeights(decoder)))),
        metadata: undefined,
      })),
    );
    const { checkpoint } = unwrap(stackCheckpoints(files, { slices }));
    const weights = { kind: 'checkpoint', names: 'llama', tensors: checkpoint.tensors } as const;
    const expected = unwrap(buildDecoder({ ...llama, layers: 4 }, serving, weights));
    expect(bytesOf(stacked)).toEqual(joinChunks(unwrap(encodeModel(expected))));
  });

  it('give all parameters back', async () => {
    const weights = unwrap(await decoderWeights(built(gpt, serving)));
    expect([...weights.keys()]).toEqual(decoderParameters(gpt).map(({ name }) => name));
  });

  const faultOf = async (...decoders: readonly BuiltDecoder[]) => {
    const result = await stackDecoders(decoders, [{ model: 0, layers: [0, 1] }]);
    return result.ok ? 'stacked' : result.error.message;
  };
  it('are refused when the graph is not what is built of its spec', async () => {
    const decoder = built(llama, serving);
    expect(
      await faultOf({ ...decoder, spec: { ...llama, positions: { kind: 'rotary', theta: 500_000 } } }),
    ).toBe('model 0: cos_cache is not what is built of its spec');
    expect(await faultOf({ ...decoder, spec: { ...llama, epsilon: 1e-3 } })).toContain('the graphs differ');
    expect(await faultOf({ ...decoder, spec: { ...llama, layers: 3 } })).toContain(
      'the graph has no model.layers.2.',
    );
    expect(await faultOf({ ...decoder, spec: { ...llama, layers: 1e9 } })).toContain('layers');
    expect(await faultOf({ ...decoder, spec: { ...llama, vocab: 7 } })).toContain(
      'lm_head.MatMul.weight has 192 elements',
    );
  });
  it('are refused when specs differ', async () =>
    expect(await faultOf(built(llama, serving), built({ ...llama, intermediate: 16 }, serving))).toBe(
      'the spec of model 1 differs from model 0’s in more than its layers'.replace('’', "'"),
    ));
});
