/** Training by the command line: what data it takes, what it writes, and how it goes on after a stop. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { unwrap } from '../../src/core/result.ts';
import { float32Tensor, readFloat32 } from '../../src/onnx/build/tensors.ts';
import { decodeModel } from '../../src/onnx/index.ts';
import { tensorOf } from '../../src/onnx/ir/tensor.ts';
import { createShell, type Shell, writeTensors } from './testDoubles.ts';

// Where cores are shared, the runtime takes seconds to start a session.
vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

type Quality = { readonly loss: number; readonly accuracy?: number; readonly count: number };

let shell: Shell;
let at: Shell['at'];
beforeAll(async () => {
  shell = await createShell();
  at = shell.at;
  const build = (name: string, ...args: string[]) => shell.json(['build', ...args, '-o', at(name)]);
  const set = (...settings: string[]) => settings.flatMap((one) => ['--set', one]);
  await build('mlp.onnx', 'mlp', ...set('inputs=4', 'hidden=[16]', 'outputs=2'));
  await build('one.onnx', 'mlp', ...set('inputs=4', 'hidden=[8]', 'outputs=1'));
  await build('cnn.onnx', 'fedavg-cnn', ...set('image=8', 'convolutions=[4,8]', 'hidden=16', 'classes=2'));
  await build(
    'llama.onnx',
    'llama',
    ...set('hidden=32', 'heads=2', 'kvHeads=1', 'layers=1', 'intermediate=32', 'context=16'),
    '--sequence',
    '8',
  );
  await writeTensors(at('points.safetensors'), {
    input: inputs,
    labels: unwrap(tensorOf('int64', [count], classes)),
  });
  const sums = Float32Array.from({ length: count }, (_, row) => sumOf(row));
  await writeTensors(at('sums.safetensors'), { input: inputs, target: float32Tensor([count, 1], sums) });
  const signs = unwrap(tensorOf('uint8', [count, 1], classes));
  await writeTensors(at('signs.safetensors'), { input: inputs, target: signs });
  await writeFile(at('text.txt'), 'to be or not to be, that is the question. '.repeat(50));
});
afterAll(() => shell.remove());

const count = 200;
/** Four numbers between -1 and 1 in a row. */
const numbers = Float32Array.from({ length: 4 * count }, (_, at) => Math.sin(at * at * 1.7 + at));
const inputs = float32Tensor([count, 4], numbers);
const sumOf = (row: number) => numbers.subarray(4 * row, 4 * row + 4).reduce((sum, value) => sum + value, 0);
const classes = Array.from({ length: count }, (_, row) => (sumOf(row) > 0 ? 1 : 0));

const weightsOf = async (name: string): Promise<readonly number[]> =>
  [...unwrap(decodeModel(await readFile(at(name)))).graph.initializers.values()].flatMap((tensor) => {
    const values = readFloat32(tensor);
    return values.ok ? [...values.value] : [];
  });

const train = (model: string, data: string, ...more: readonly string[]) =>
  shell.json(['train', at(model), '--data', data, '--rate', '0.02', ...more]);

const qualities = (told: Record<string, unknown>) => ({
  before: told['before'] as Quality,
  after: told['after'] as Quality,
});

const idx = (dims: readonly number[], bytes: Uint8Array): Buffer => {
  const head = Buffer.alloc(4 + 4 * dims.length);
  head.set([0, 0, 8, dims.length]);
  for (const [axis, dim] of dims.entries()) head.writeUInt32BE(dim, 4 + 4 * axis);
  return Buffer.concat([head, bytes]);
};

describe('train', () => {
  it('learns classes of a safetensors file, and measures on what was held out', async () => {
    const told = await train(
      'mlp.onnx',
      at('points.safetensors'),
      '--epochs',
      '20',
      '--unroll',
      '2',
      '-o',
      at('learned.onnx'),
    );
    expect(told).toMatchObject({
      command: 'train',
      output: [at('learned.onnx')],
      parameters: 4 * 16 + 16 + 16 * 2 + 2,
    });
    const { before, after } = qualities(told);
    expect(after.count).toBe(20);
    expect(after.loss).toBeLessThan(before.loss / 2);
    expect(after.accuracy).toBeGreaterThan(0.85);
    expect((await shell.run(['verify', at('learned.onnx')])).code).toBe(0);
    // What was written is what was measured: it begins where the other ended.
    const again = await train(
      'learned.onnx',
      at('points.safetensors'),
      '--updates',
      '1',
      '-o',
      at('again.onnx'),
    );
    expect(qualities(again).before.loss).toBeCloseTo(after.loss, 5);
  });

  it('learns numbers by their squares, and yes or no by cross-entropy', async () => {
    const sums = qualities(
      await train('one.onnx', at('sums.safetensors'), '--epochs', '20', '-o', at('sums.onnx')),
    );
    expect(sums.after.loss).toBeLessThan(sums.before.loss / 5);
    expect(sums.after.accuracy).toBeUndefined();
    const signs = qualities(
      await train(
        'one.onnx',
        at('signs.safetensors'),
        '--loss',
        'bce',
        '--epochs',
        '20',
        '-o',
        at('signs.onnx'),
      ),
    );
    expect(signs.after.loss).toBeLessThan(signs.before.loss / 2);
    expect(signs.after.accuracy).toBeGreaterThan(0.85);
  });

  it('takes images as they are published: IDX, packed', async () => {
    const images = Uint8Array.from({ length: 60 * 64 }, (_, i) =>
      Math.floor(i / 64) % 2 === (i % 64 < 32 ? 0 : 1) ? 200 : 10,
    );
    const labels = Uint8Array.from({ length: 60 }, (_, i) => i % 2);
    await writeFile(at('images.gz'), gzipSync(idx([60, 8, 8], images)));
    await writeFile(at('labels'), idx([60], labels));
    const how = ['--rate', '0.005', '--batch', '10', '--epochs', '6'];
    const told = await train('cnn.onnx', `${at('images.gz')},${at('labels')}`, ...how, '-o', at('cnn2.onnx'));
    expect(qualities(told).after.accuracy).toBe(1);
    // A byte is fed as its part of 255, in training and when it is measured.
    await writeTensors(at('images.safetensors'), {
      input: float32Tensor(
        [60, 1, 8, 8],
        Float32Array.from(images, (byte) => byte / 255),
      ),
      labels: unwrap(tensorOf('uint8', [60], labels)),
    });
    const same = await train('cnn.onnx', at('images.safetensors'), ...how, '-o', at('cnn3.onnx'));
    expect(qualities(same).before.loss).toBeCloseTo(qualities(told).before.loss, 5);
    expect(same['last_loss']).toBeCloseTo(Number(told['last_loss']), 5);
  });

  it('teaches a decoder a text, then an adapter, which bakes into what it was measured as', async () => {
    const whole = await train(
      'llama.onnx',
      at('text.txt'),
      '--updates',
      '30',
      '--batch',
      '4',
      '-o',
      at('taught.onnx'),
    );
    expect(qualities(whole).after.loss).toBeLessThan(qualities(whole).before.loss - 1);
    const lora = ['--lora', '2', '--updates', '20', '--batch', '4', '-o', at('adapter_model.safetensors')];
    const told = await train('taught.onnx', at('text.txt'), ...lora);
    expect(told['output']).toEqual([at('adapter_model.safetensors'), at('adapter_config.json')]);
    expect(JSON.parse(await readFile(at('adapter_config.json'), 'utf8'))).toMatchObject({
      peft_type: 'LORA',
      r: 2,
    });
    const baked = [
      'merge',
      '--bake',
      at('adapter_model.safetensors'),
      at('taught.onnx'),
      '-o',
      at('baked.onnx'),
    ];
    expect(await shell.json(baked)).toMatchObject({ method: 'bake' });
    const again = await train(
      'baked.onnx',
      at('text.txt'),
      '--updates',
      '1',
      '--batch',
      '4',
      '-o',
      at('again.onnx'),
    );
    expect(qualities(again).before.loss).toBeCloseTo(qualities(told).after.loss, 4);
    // Two halves of one adapter are that adapter.
    const same = at('adapter_model.safetensors');
    expect(
      await shell.json(['merge', '--method', 'cat', same, same, '-o', at('cat.safetensors')]),
    ).toMatchObject({ method: 'cat' });
    await shell.json(['merge', '--bake', at('cat.safetensors'), at('taught.onnx'), '-o', at('baked2.onnx')]);
    const [one, other] = [await weightsOf('baked.onnx'), await weightsOf('baked2.onnx')];
    expect(Math.max(...one.map((value, i) => Math.abs(value - (other[i] ?? 0))))).toBeLessThan(1e-6);
  });

  it('goes on after a Ctrl-C as if there had been none', async () => {
    const args = (output: string, ...more: string[]) => [
      ...[
        'train',
        at('mlp.onnx'),
        '--data',
        at('points.safetensors'),
        '--updates',
        '12',
        '--schedule',
        'cosine',
      ],
      ...['--validation', '0', '-o', output, ...more],
    ];
    await shell.json(args(at('straight.onnx')));
    const stopping = new AbortController();
    let looks = 0;
    const signal = {
      ...stopping.signal,
      // Before each of the first five updates, and then not any more.
      get aborted() {
        return ++looks > 5;
      },
    };
    const stopped = await shell.run(args(at('resumed.onnx'), '--snapshot', at('snapshot')), { signal });
    expect(stopped).toMatchObject({
      code: 1,
      noted: expect.stringMatching(/Stopped after 5 of 12 updates; .*snapshot has them/),
    });
    expect(await readdir(at())).not.toContain('resumed.onnx');
    await shell.json(args(at('resumed.onnx'), '--snapshot', at('snapshot')));
    expect(await readFile(at('resumed.onnx'))).toEqual(await readFile(at('straight.onnx')));
    const other = await shell.run([...args(at('x.onnx'), '--snapshot', at('snapshot')), '--batch', '8']);
    expect(other).toMatchObject({
      code: 1,
      noted: expect.stringMatching(/was made with batch 32, and it is 8 now/),
    });
  });

  it('says what is wrong with data, a model or a word, and writes nothing', async () => {
    await writeTensors(at('narrow.safetensors'), {
      input: float32Tensor([2, 3], new Float32Array(6)),
      labels: unwrap(tensorOf('uint8', [2], [0, 1])),
    });
    await writeTensors(at('strange.safetensors'), {
      input: float32Tensor([2, 4], new Float32Array(8)),
      labels: unwrap(tensorOf('uint8', [2], [0, 9])),
    });
    await writeTensors(at('lacking.safetensors'), { input: float32Tensor([2, 4], new Float32Array(8)) });
    await writeFile(at('short.idx'), idx([3, 8, 8], new Uint8Array(64)));
    const points = at('points.safetensors');
    const refusals: readonly (readonly [readonly string[], number, RegExp])[] = [
      [
        ['mlp.onnx', '--data', at('narrow.safetensors')],
        1,
        /example of 'input' is \[3\], and the model takes \[4\]/,
      ],
      [['mlp.onnx', '--data', at('strange.safetensors')], 1, /label 9, and the model has 2 classes/],
      [['mlp.onnx', '--data', at('lacking.safetensors')], 1, /nothing for 'labels': it has input/],
      [
        ['cnn.onnx', '--data', `${at('short.idx')},${at('short.idx')}`],
        1,
        /says \[3,8,8\], which are 192 bytes, and has 64/,
      ],
      [['mlp.onnx', '--data', at('text.txt')], 1, /no input 'input_ids'/],
      [['mlp.onnx', '--data', at('none.txt')], 1, /There is no .*none\.txt/],
      [['mlp.onnx', '--data', at('mlp.onnx')], 1, /no data for training/],
      [['mlp.onnx', '--data', points, '--of', 'nothing'], 1, /Which output is the loss of\? .*logits/],
      [['mlp.onnx', '--data', points, '--freeze', '*'], 1, /No float32 weight of the model is left/],
      [['mlp.onnx', '--data', points, '--epochs', '1', '--updates', '1'], 2, /not by both/],
      [['mlp.onnx', '--data', points, '--lora', '2'], 2, /must end with \.safetensors/],
      [
        ['mlp.onnx', '--data', points, '--optimizer', 'sgd', '--rate', '1000', '--epochs', '20'],
        1,
        /the loss is .* at update \d+: a smaller step size/,
      ],
    ];
    for (const [[model = '', ...args], code, message] of refusals)
      expect(
        await shell.run(['train', at(model), ...args, '-o', at('refused.onnx')]),
        args.join(' '),
      ).toMatchObject({
        code,
        noted: expect.stringMatching(message),
      });
    expect((await readdir(at())).filter((name) => name.startsWith('refused'))).toEqual([]);
  });
});
