/** A model in stages, each a file of its own with its own weights alone. */
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { HostTensor, HostTensors } from '../../src/compute/index.ts';
import {
  hashPlan,
  type OpenExternal,
  type PlanOptions,
  planStages,
  resolveTensor,
  type Stage,
  type StageInput,
  type StagePlan,
} from '../../src/onnx/index.ts';
import { createNodeCrypto } from '../../src/platform/node/index.ts';
import type { Command } from './command.ts';
import { seededFeeds, shapesOf } from './feeds.ts';
import {
  type Inputs,
  type ModelFile,
  type WrittenModel,
  withInputs,
  withOutputs,
  writeModelFile,
} from './files.ts';
import { byteText, counted, short, toJson } from './format.ts';
import { type Io, misused, Stop, stopIfAsked, taken } from './io.ts';
import { type Options, onlyFile, outputOf } from './options.ts';
import { compareOutputs, type Difference, openRuntime, runModel } from './session.ts';

export const split: Command = {
  summary: 'a model in stages that run one after the other, each with its weights alone',
  usage: `FILE.onnx -n N | --capacities 2,1,1  -o FOLDER
  -n N                   so many stages of equal size
  --capacities A,B,…     as many stages, in these proportions
  --cost bytes|flops     what is shared out: bytes of weights (default), or multiplications
  --max-context N        rotary tables for so many positions only
  --check                runs whole and chain on the same input, and compares
  --shape NAME=1,8       --check: dims of an input
  --seed N               --check: of the input (default 0)
Writes stage-I.onnx, stage-I.onnx.data and plan.json: what goes between, which bytes of FILE each stage has, and the
SHA-256 of every tensor. plan.json comes last: where it is, all is there.`,
  options: {
    stages: { type: 'string', short: 'n' },
    capacities: { type: 'string' },
    cost: { type: 'string' },
    'max-context': { type: 'string' },
    check: { type: 'boolean' },
    shape: { type: 'string', multiple: true },
    seed: { type: 'string' },
  },
  async run(options, io) {
    const path = onlyFile(options);
    const folder = outputOf(options);
    const how = planOptionsOf(options);
    const [shapes, seed] = [shapesOf(options), options.whole('seed', 0) ?? 0];
    await withInputs(async (inputs) => {
      const file = await inputs.model(path);
      const planned = taken(planStages(file.model, how), path);
      if (!io.isTerminal) io.note('hashing and writing\n');
      const plan = taken(await hashPlan(planned, hashDepsOf(file.open, io)), path);
      await writeStages(file, plan, folder, io);
      const difference = options.flag('check')
        ? await check({ file, plan, folder, inputs, feeds: seededFeeds(file.model, shapes, seed) })
        : undefined;
      tell({ path, folder, plan, difference }, options.flag('json'), io);
    });
    return true;
  },
};

const planOptionsOf = (options: Options): PlanOptions => {
  const [count, given] = [options.whole('stages', 1, 256), options.numbers('capacities')];
  if ((count === undefined) === (given === undefined))
    throw misused('Into how many stages? Say it with -n or with --capacities, one of both.');
  const cost = options.choice('cost', ['bytes', 'flops']);
  const maxContext = options.whole('max-context', 1);
  return {
    capacities: given ?? Array.from({ length: count ?? 1 }, () => 1),
    ...(cost === undefined ? {} : { cost }),
    ...(maxContext === undefined ? {} : { maxContext }),
  };
};

const hashDepsOf = (open: OpenExternal, io: Io): Parameters<typeof hashPlan>[1] => ({
  digest: (bytes) => {
    stopIfAsked(io);
    return createNodeCrypto().digest(bytes);
  },
  readExternal: async (data) =>
    taken(
      await resolveTensor({ dtype: 'uint8', dims: [data.length ?? 0], data }, open),
      `the weights in ${data.location}`,
    ),
});

const fileOf = (stage: number): string => `stage-${stage}.onnx`;

const writeStages = async (
  { path, open }: ModelFile,
  plan: StagePlan,
  folder: string,
  io: Io,
): Promise<void> => {
  await mkdir(folder, { recursive: true });
  await withOutputs(io, async (files) => {
    const written: WrittenModel[] = [];
    for (const [i, stage] of plan.stages.entries())
      written.push(
        await writeModelFile(io, files, join(folder, fileOf(i)), stage.model, {
          open,
          external: true,
          label: `stage ${i}`,
        }),
      );
    const { write } = await files.create(join(folder, 'plan.json'));
    await write(new TextEncoder().encode(`${JSON.stringify(planJson(path, plan, written), undefined, 2)}\n`));
  });
};

/** Places without a file's name are in the model's own. */
const planJson = (path: string, { stages }: StagePlan, written: readonly WrittenModel[]) => {
  const named = <T extends { readonly location: string | undefined }>(place: T) => ({
    ...place,
    location: place.location ?? basename(path),
  });
  return {
    model: basename(path),
    stages: stages.map(({ model: _, tensors, ranges, ...stage }, i) => ({
      files: written[i]?.files.map((file) => basename(file)),
      ...stage,
      ranges: ranges.map(named),
      tensors: tensors.map(({ place, ...tensor }) => ({
        ...tensor,
        place: place.kind === 'file' ? named(place) : place,
      })),
    })),
  };
};

type Check = {
  readonly file: ModelFile;
  readonly plan: StagePlan;
  readonly folder: string;
  readonly inputs: Inputs;
  readonly feeds: HostTensors;
};

/** Of the files that were written, not of what they were made of. */
const check = async ({ file, plan, folder, inputs, feeds }: Check): Promise<Difference> => {
  const runtime = await openRuntime();
  const expected = await runModel(runtime, file.model, feeds, file.open);
  const found: Record<string, HostTensor> = {};
  let hidden: HostTensor | undefined;
  for (const [i, stage] of plan.stages.entries()) {
    const written = await inputs.model(join(folder, fileOf(i)));
    const own = Object.fromEntries(stage.inputs.map((input) => [input.name, given(input, feeds, hidden)]));
    const results = await runModel(runtime, written.model, own, written.open);
    hidden = stage.sent && results[stage.sent.name];
    for (const [name, tensor] of resultsOf(stage, results)) found[name] = tensor;
  }
  return compareOutputs(expected, found);
};

const given = (
  { name, from }: StageInput,
  feeds: HostTensors,
  hidden: HostTensor | undefined,
): HostTensor => {
  const tensor = from === 'previous' ? hidden : feeds[name];
  if (tensor === undefined) throw new Stop(`The chain has nothing for '${name}', which comes from ${from}.`);
  return tensor;
};

const resultsOf = ({ outputs }: Stage, results: HostTensors): readonly (readonly [string, HostTensor])[] =>
  outputs.flatMap(({ name, to }) => {
    const tensor = results[name];
    return to === 'next' || tensor === undefined ? [] : [[name, tensor] as const];
  });

type Outcome = {
  readonly path: string;
  readonly folder: string;
  readonly plan: StagePlan;
  readonly difference: Difference | undefined;
};

const tell = ({ path, folder, plan, difference }: Outcome, json: boolean, io: Io): void => {
  if (json) {
    const stages = plan.stages.map(({ bytes, tensors, received, sent }, i) => ({
      file: join(folder, fileOf(i)),
      bytes,
      tensors: tensors.length,
      received: received?.name,
      sent: sent?.name,
    }));
    io.out(
      toJson({
        command: 'split',
        file: path,
        output: join(folder, 'plan.json'),
        stages,
        check: difference && { max_abs_diff: difference.maxAbs, relative_error: difference.relative },
      }),
    );
    return;
  }
  io.out(`${path} → ${join(folder, 'plan.json')}, ${counted(plan.stages.length, 'stage')}`);
  for (const [i, { bytes, tensors, caches, sent }] of plan.stages.entries()) {
    const sends = sent ? `, sends ${sent.name} [${sent.shape.map((dim) => dim ?? '?')}]` : '';
    const kept = caches.length > 0 ? `, ${counted(caches.length, 'cache')}` : '';
    io.out(`  ${fileOf(i)}  ${byteText(bytes)} in ${counted(tensors.length, 'tensor')}${kept}${sends}`);
  }
  if (difference)
    io.out(
      `  check: ${difference.maxAbs === 0 ? 'the chain gives what the whole gives, bit for bit' : `the chain differs by at most ${short(difference.maxAbs)}`}`,
    );
};
