/** The command line as a person has it: what it writes, what it says, and how it ends. */
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { float32Tensor } from '../../src/onnx/build/tensors.ts';
import { createShell, type Shell, writeTensors } from './testDoubles.ts';

// Where cores are shared, the runtime takes seconds to start a session.
vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

let shell: Shell;
let at: Shell['at'];
beforeAll(async () => {
  shell = await createShell();
  at = shell.at;
  const build = (name: string, ...args: string[]) => shell.json(['build', ...args, '-o', at(name)]);
  const mlp = ['mlp', '--set', 'inputs=64', '--set', 'hidden=[32]', '--set', 'outputs=4'];
  await build('a.onnx', ...mlp, '--seed', '1');
  await build('b.onnx', ...mlp, '--seed', '2');
  await build('base.onnx', ...mlp, '--seed', '3');
  const decoder = [
    'llama',
    ...['hidden=32', 'heads=2', 'kvHeads=1', 'layers=3', 'intermediate=64', 'context=32'].flatMap((set) => [
      '--set',
      set,
    ]),
  ];
  await build('serving.onnx', ...decoder, '--form', 'serving');
  await build('training.onnx', ...decoder, '--sequence', '16', '--external');
  await mkdir(at('locked'));
  await chmod(at('locked'), 0o500);
});
afterAll(() => shell.remove());

/** Files of the folder that this name begins. */
const filesOf = async (name: string) => (await readdir(at())).filter((file) => file.startsWith(name)).sort();

describe('build', () => {
  it('gives the same bytes for the same seed, and says what it built', async () => {
    const built = await shell.json([
      'build',
      'mlp',
      '--set',
      'hidden=[8]',
      '-o',
      at('one.onnx'),
      '--seed',
      '5',
    ]);
    expect(built).toMatchObject({
      command: 'build',
      parameters: 784 * 8 + 8 + 8 * 10 + 10,
      spec: { family: 'mlp', hidden: [8] },
    });
    await shell.json(['build', 'mlp', '--set', 'hidden=[8]', '-o', at('two.onnx'), '--seed', '5']);
    expect(await readFile(at('one.onnx'))).toEqual(await readFile(at('two.onnx')));
  });

  it('builds what a file says, and shows what a preset is', async () => {
    const { out } = await shell.run(['build', 'resnet', '--set', 'blocks=1', '--show']);
    await writeFile(at('spec.json'), out[0] ?? '');
    expect(await shell.json(['build', at('spec.json'), '-o', at('resnet.onnx')])).toMatchObject({
      spec: { family: 'resnet', blocks: 1 },
    });
  });

  it.each([
    [['nothing'], 2, /no preset 'nothing': they are mlp, /],
    [['mlp', '--set', 'width=3'], 1, /mlp has no 'width': it has family, inputs, /],
    [['mlp', '--set', 'inputs=-1'], 1, /inputs is -1, and must be a whole number from 1/],
    [['mlp', '--form', 'serving'], 2, /--form and --sequence are for decoders/],
    [['mlp', '--set', 'inputs'], 2, /KEY=VALUE is needed/],
  ])('refuses %j', async (args, code, message) => {
    const ran = await shell.run(['build', ...args, '-o', at('refused.onnx')]);
    expect(ran).toMatchObject({ code, noted: expect.stringMatching(message) });
    expect(await filesOf('refused')).toEqual([]);
  });
});

describe('inspect, print, verify', () => {
  it('say what is in files, one JSON object for each', async () => {
    const { code, out } = await shell.run(['inspect', at('a.onnx'), at('training.onnx'), '--json']);
    expect(code).toBe(0);
    expect(out.map((line) => JSON.parse(line))).toMatchObject([
      { file: at('a.onnx'), parameters: 64 * 32 + 32 + 32 * 4 + 4, files: [] },
      { files: ['training.onnx.data'] },
    ]);
    expect((await shell.run(['print', at('a.onnx'), '--nodes', '1'])).out[0]).toContain('fc0.weight');
    expect((await shell.run(['verify', at('a.onnx')])).out).toEqual([`${at('a.onnx')}: nothing found`]);
  });

  it('go on with other files where one can’t be read', async () => {
    await writeFile(at('broken.onnx'), await readFile(at('a.onnx')));
    await truncate(at('broken.onnx'), 5_000);
    const ran = await shell.run(['inspect', at('broken.onnx'), at('none.onnx'), at('a.onnx')]);
    expect(ran.code).toBe(1);
    expect(ran.noted).toMatch(/broken\.onnx: malformed: .*\n.*There is no .*none\.onnx/s);
    expect(ran.out[0]).toContain('a.onnx');
  });
});

describe('quantize', () => {
  it.each([
    ['int8', 3],
    ['q4', 5],
    ['ternary', 8],
  ])('to %s makes the file smaller, and the check runs what was written', async (to, ratio) => {
    const args = ['quantize', at('serving.onnx'), '--to', to, '-o', at(`${to}.onnx`), '--check'];
    const told = await shell.json(args);
    expect(told).toMatchObject({ command: 'quantize', to, output: [at(`${to}.onnx`)] });
    const { bytes_before, bytes_after } = told;
    const check = told['check'] as Record<string, number>;
    expect(bytes_before).toBe((await readFile(at('serving.onnx'))).byteLength);
    expect(bytes_after).toBe((await readFile(at(`${to}.onnx`))).byteLength);
    expect(Number(told['ratio'])).toBeGreaterThan(ratio / 3);
    expect(check['relative_error']).toBeGreaterThan(0);
    expect(check['relative_error']).toBeLessThan(to === 'int8' ? 0.2 : 1);
  });

  it('encodes a model in 4 bits again', async () => {
    await shell.json(['quantize', at('serving.onnx'), '--to', 'q4', '-o', at('packed.onnx')]);
    const told = await shell.json([
      'quantize',
      at('packed.onnx'),
      '--to',
      'float32',
      '-o',
      at('wide.onnx'),
      '--check',
    ]);
    const { relative_error } = told['check'] as Record<string, never>;
    expect(relative_error).toBeLessThan(1e-5);
  });

  it('keeps what it is told to, and says which were left and why', async () => {
    const ran = await shell.run([
      'quantize',
      at('a.onnx'),
      '--to',
      'int8',
      '-o',
      at('kept.onnx'),
      '--keep',
      'fc0*',
    ]);
    expect(ran).toMatchObject({
      code: 1,
      noted: expect.stringMatching(/No weight of the model can become int8.*it is to be kept/),
    });
    const { out } = await shell.run([
      'quantize',
      at('serving.onnx'),
      '--to',
      'q4',
      '-o',
      at('kept.onnx'),
      '--keep',
      '*mlp*',
    ]);
    expect(out.join('\n')).toMatch(/it is to be kept: .*mlp.* and \d+ more/);
  });

  it('refuses wrong words before it opens a file', async () => {
    const none = at('none.onnx');
    const refusals: readonly (readonly [readonly string[], RegExp])[] = [
      [['--to', 'int9'], /no --to int9: it is int8, q4, ternary, float32/],
      [['--to', 'int8', '--method', 'hqq'], /--method is for q4, and --to is int8/],
      [['--to', 'q4', '--block', '33'], /no --block 33/],
      [['--to', 'int8', '--blok', '3'], /Unknown option '--blok'/],
      [[], /To what\?/],
    ];
    for (const [args, message] of refusals)
      expect(await shell.run(['quantize', none, ...args, '-o', at('x.onnx')])).toMatchObject({
        code: 2,
        noted: expect.stringMatching(message),
      });
  });
});

describe('split', () => {
  it.each([
    [['-n', '2'], 2],
    [['--capacities', '2,1,1'], 3],
  ])(
    'by %j: each stage has its weights alone, and the chain gives what the whole gives',
    async (how, count) => {
      const told = await shell.json(['split', at('serving.onnx'), ...how, '-o', at('stages'), '--check']);
      expect(told).toMatchObject({ command: 'split', check: { max_abs_diff: 0 } });
      const plan = JSON.parse(await readFile(at('stages', 'plan.json'), 'utf8'));
      expect(plan.stages).toHaveLength(count);
      const source = await readFile(at('serving.onnx'));
      for (const { files, tensors } of plan.stages) {
        for (const file of files) expect(existsSync(at('stages', file))).toBe(true);
        const large = tensors.filter(({ place }: { place: { kind: string } }) => place.kind === 'file');
        for (const { place, length, sha256 } of large) {
          expect(sha256).toMatch(/^[0-9a-f]{64}$/);
          expect(place.location).toBe('serving.onnx');
          expect(place.offset + length).toBeLessThanOrEqual(source.byteLength);
        }
      }
    },
  );

  it('takes weights from beside the model', async () => {
    const told = await shell.json(['split', at('training.onnx'), '-n', '2', '-o', at('beside'), '--check']);
    expect(told).toMatchObject({ check: { max_abs_diff: 0 } });
  });

  it('says why a model has no place to be cut at', async () => {
    const ran = await shell.run(['split', at('a.onnx'), '-n', '40', '-o', at('many')]);
    expect(ran).toMatchObject({ code: 1, noted: expect.stringMatching(/40 stages need 39 places/) });
    expect(existsSync(at('many'))).toBe(false);
  });
});

describe('merge', () => {
  const models = () => [at('a.onnx'), at('b.onnx')];
  it.each([
    ['linear', ['--weights', '3,1']],
    ['slerp', ['--t', '0.3']],
    ['task-arithmetic', ['--base', 'base', '--lambda', '0.5']],
    ['ties', ['--base', 'base', '--density', '0.3']],
    ['dare', ['--base', 'base', '--seed', '4']],
    ['della', ['--base', 'base']],
    ['model-stock', ['--base', 'base']],
  ])('by %s gives a model that keeps the rules', async (method, given) => {
    const args = given.map((one) => (one === 'base' ? at('base.onnx') : one));
    const output = at(`${method}.onnx`);
    expect(await shell.json(['merge', '--method', method, ...models(), ...args, '-o', output])).toMatchObject(
      {
        command: 'merge',
        method,
        output: [output],
      },
    );
    expect((await shell.run(['verify', output])).code).toBe(0);
  });

  it('of one model with itself is that model', async () => {
    await shell.json(['merge', '--method', 'linear', at('a.onnx'), at('a.onnx'), '-o', at('same.onnx')]);
    expect(await readFile(at('same.onnx'))).toEqual(await readFile(at('a.onnx')));
  });

  describe('of checkpoints', () => {
    /** Two layers and what is around them, all of one number. */
    const write = (name: string, value: number) => {
      const names = ['embed.weight', 'layers.0.w', 'layers.1.w', 'norm.weight'];
      const tensor = float32Tensor([2, 2], new Float32Array(4).fill(value));
      return writeTensors(at(name), Object.fromEntries(names.map((one) => [one, tensor])));
    };
    /** The first number of each tensor, by name. */
    const firsts = async (name: string) => {
      const bytes = await readFile(at(name));
      const length = Number(bytes.readBigUInt64LE());
      const header: Record<string, { data_offsets: [number, number] }> = JSON.parse(
        bytes.toString('utf8', 8, 8 + length),
      );
      return Object.fromEntries(
        Object.entries(header).map(([key, { data_offsets }]) => [
          key,
          bytes.readFloatLE(8 + length + data_offsets[0]),
        ]),
      );
    };

    it('takes the weighted mean, and stacks layers', async () => {
      await write('one.safetensors', 1);
      await write('two.safetensors', 2);
      const files = [at('one.safetensors'), at('two.safetensors')];
      const mean = [
        'merge',
        '--method',
        'linear',
        '--weights',
        '1,3',
        ...files,
        '-o',
        at('mean.safetensors'),
      ];
      expect(await shell.json(mean)).toMatchObject({ method: 'linear', files });
      expect((await firsts('mean.safetensors'))['layers.1.w']).toBe(1.75);
      const slices = `${files[0]}:0-2,${files[1]}:1-2`;
      const stack = ['merge', '--method', 'passthrough', '--slices', slices, '-o', at('tall.safetensors')];
      expect(await shell.json(stack)).toMatchObject({ layers: 3 });
      expect(await firsts('tall.safetensors')).toEqual({
        'embed.weight': 1,
        'layers.0.w': 1,
        'layers.1.w': 1,
        'layers.2.w': 2,
        'norm.weight': 2,
      });
    });

    it('says which number of which tensor can’t be merged', async () => {
      await write('nan.safetensors', Number.NaN);
      const files = [at('one.safetensors'), at('nan.safetensors')];
      const ran = await shell.run(['merge', '--method', 'linear', ...files, '-o', at('nan2.safetensors')]);
      expect(ran).toMatchObject({
        code: 1,
        noted: expect.stringMatching(/embed\.weight: element 0 of model 1 is NaN/),
      });
      expect(await filesOf('nan2')).toEqual([]);
    });
  });

  it('refuses what doesn’t fit, and leaves nothing', async () => {
    const refusals: readonly (readonly [readonly string[], number, RegExp])[] = [
      [['--method', 'ties', ...models()], 2, /task vectors need the base model/],
      [['--method', 'blend', ...models()], 2, /no --method blend: it is linear/],
      [['--method', 'linear', '--weights', '1', ...models()], 2, /1 weights for 2 models/],
      [['--method', 'linear', '--weights', '1,x', ...models()], 2, /numbers with commas/],
      [['--method', 'linear', at('a.onnx'), at('serving.onnx')], 1, /model 1|differ/],
      [['--method', 'linear', at('a.onnx'), at('x.safetensors')], 2, /one kind is merged/],
      [['--method', 'passthrough', '--slices', 'a:1'], 2, /FILE:FROM-TO is needed/],
      [['--bake', at('none.safetensors'), at('a.onnx')], 1, /There is no .*none\.safetensors/],
    ];
    for (const [args, code, message] of refusals)
      expect(await shell.run(['merge', ...args, '-o', at('refused.onnx')]), args.join(' ')).toMatchObject({
        code,
        noted: expect.stringMatching(message),
      });
    expect(await filesOf('refused')).toEqual([]);
  });
});

describe('what is written', () => {
  it('is nothing where the folder can’t be written to', async () => {
    // Who is root may write anywhere: a folder that isn't there is refused alike.
    const target = process.getuid?.() === 0 ? at('absent', 'x.onnx') : at('locked', 'x.onnx');
    const ran = await shell.run(['build', 'mlp', '-o', target]);
    expect(ran).toMatchObject({
      code: 1,
      noted: expect.stringMatching(/There is no folder .*absent|forbid/),
    });
    expect(ran.noted).not.toContain('.part');
    const onFolder = await shell.run(['quantize', at('a.onnx'), '--to', 'int8', '-o', at('locked')]);
    expect(onFolder).toMatchObject({ code: 1, noted: expect.stringMatching(/is a folder: name a file/) });
  });

  it('is nothing after a Ctrl-C, in the middle of a file', async () => {
    const stopping = new AbortController();
    let looks = 0;
    const signal = {
      ...stopping.signal,
      get aborted() {
        return ++looks > 3;
      },
    };
    const ran = await shell.run(['quantize', at('serving.onnx'), '--to', 'q4', '-o', at('stopped.onnx')], {
      signal,
    });
    expect(ran).toMatchObject({ code: 1, noted: expect.stringMatching(/Stopped; nothing was written/) });
    expect(looks).toBeGreaterThan(3);
    expect(await filesOf('stopped')).toEqual([]);
  });

  it('is not mixed with another run’s', async () => {
    await writeFile(at('busy.onnx.part'), 'another');
    const ran = await shell.run(['build', 'mlp', '-o', at('busy.onnx')]);
    expect(ran).toMatchObject({ code: 1, noted: expect.stringMatching(/busy\.onnx\.part is there already/) });
    expect(await readFile(at('busy.onnx.part'), 'utf8')).toBe('another');
  });

  it('doesn’t take weights from outside the model’s folder', async () => {
    await mkdir(at('evil'));
    const bytes = await readFile(at('training.onnx'));
    // As long as before, so that the lengths of the messages around it hold.
    const text = bytes.toString('latin1').replaceAll('training.onnx.data', '../../etc/password');
    await writeFile(at('evil', 'm.onnx'), Buffer.from(text, 'latin1'));
    const ran = await shell.run(['quantize', at('evil', 'm.onnx'), '--to', 'q4', '-o', at('stolen.onnx')]);
    expect(ran).toMatchObject({ code: 1, noted: expect.stringMatching(/leads out of the model's folder/) });
    expect(await filesOf('stolen')).toEqual([]);
  });
});

describe('progress', () => {
  it('is drawn over on a terminal, and a plain line now and then elsewhere', async () => {
    const args = ['quantize', at('serving.onnx'), '--to', 'q4', '-o', at('shown.onnx')];
    const drawn = await shell.run(args, { isTerminal: true, milliseconds: 100 });
    expect(drawn.noted).toMatch(/\rq4 \[█+░*\] +\d+ %/);
    expect(drawn.noted).toMatch(/\r +\r$/);
    expect((await shell.run(args, { milliseconds: 1_000 })).noted).toMatch(/^(q4: \d+ %.*\n)+$/);
    expect((await shell.run(args)).noted).toBe('');
  });
});

describe('the command line', () => {
  it('names its commands, and each its options', async () => {
    expect(await shell.run([])).toMatchObject({
      code: 2,
      noted: expect.stringMatching(/Which command\?.*quantize/s),
    });
    expect(await shell.run(['dance'])).toMatchObject({
      code: 2,
      noted: expect.stringMatching(/no command dance/),
    });
    expect((await shell.run(['--help'])).code).toBe(0);
    const { code, out } = await shell.run(['merge', '--help']);
    expect({ code, text: out.join() }).toMatchObject({ code: 0, text: expect.stringMatching(/--density/) });
  });

  it.each(['quantize', 'split', 'train', 'merge', 'build'])('%s asks where to', async (command) => {
    const ran = await shell.run([command, at('a.onnx'), '--to=q4', '-n1', '--data=x'].slice(0, 2));
    expect(ran.code).toBe(2);
  });
});
