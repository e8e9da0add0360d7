/**
 * A decoder of 135 million parameters in a file, cut into two, three and four stages: how many bytes the fullest stage fetches,
 * how long the cutting takes, and that the stages compute what the whole does, to the last bit, over a prompt of 128 tokens and 60
 * more. In Node, on the runtime's WebAssembly with one thread, in float32.
 */
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unwrap } from '../../src/core/result.ts';
import {
  assembleStage,
  type ByteSource,
  decodeModel,
  encodeModel,
  hashPlan,
  joinChunks,
  type Model,
  planStages,
  type RunnableStage,
  readModel,
  type Stage,
  type StagePlan,
  splitExternal,
  stageGraph,
  writeModel,
} from '../../src/onnx/index.ts';
import { createFileSource } from '../../src/platform/node/byteSource.ts';
import { createNodeCrypto } from '../../src/platform/node/index.ts';
import type { BenchOptions, BenchResult } from '../suite.ts';
import {
  generateWhole,
  largestDifference,
  type Recording,
  tokensAfterPrompt,
  tokensOfPrompt,
} from './generate.ts';
import { buildSmolModel } from './model.ts';

export const limits = {
  max_abs_diff: 0,
  stages_2_max_bytes: 335_000_000,
  stages_3_max_bytes: 230_000_000,
  stages_4_max_bytes: 175_000_000,
  split_ms: 3_000,
};

const fileName = 'model.onnx';
const counts = [2, 3, 4] as const;

export const run = async ({ say }: BenchOptions): Promise<BenchResult> => {
  const folder = await mkdtemp(join(tmpdir(), 'split-'));
  const path = join(folder, fileName);
  const file = await open(path, 'w+');
  try {
    await write(file);
    const source = await createFileSource(file);
    say(`${Math.round(source.size / 1e6)} MB on disk`);
    const model = unwrap(await readModel(source));
    const whole = await generateWhole(await wholeOf(model));
    say(`the whole: ${describe(whole)}`);
    let result: Readonly<Record<string, number>> = {};
    for (const count of counts) result = { ...result, ...(await measure(model, source, whole, count, say)) };
    const most = (key: string) =>
      Math.max(...counts.map((count) => result[`stages_${count}_${key}`] ?? Number.NaN));
    return { ...result, max_abs_diff: most('max_abs_diff'), split_ms: most('split_ms') };
  } finally {
    await file.close();
    await rm(folder, { recursive: true });
  }
};

const write = async (file: FileHandle): Promise<void> => {
  const written = await writeModel(buildSmolModel(), async (chunk) => {
    for (let done = 0; done < chunk.byteLength; ) done += (await file.write(chunk, done)).bytesWritten;
  });
  unwrap(written);
};

/** As one session, its weights beside its graph: in one file they would be in memory twice. */
const wholeOf = async (model: Model): Promise<RunnableStage> => {
  const { model: graph, size, writeData } = splitExternal(model, { location: 'weights', above: 1024 });
  const data = new Uint8Array(size);
  let at = 0;
  const written = await writeData(async (chunk) => {
    data.set(chunk, at);
    at += chunk.byteLength;
  });
  unwrap(written);
  return { model: joinChunks(unwrap(encodeModel(graph))), externalData: [{ path: 'weights', data }] };
};

const measure = async (
  model: Model,
  source: ByteSource,
  whole: Recording,
  count: (typeof counts)[number],
  say: BenchOptions['say'],
): Promise<Readonly<Record<string, number>>> => {
  const { digest } = createNodeCrypto();
  const start = performance.now();
  const plan = unwrap(
    planStages(model, {
      capacities: Array.from({ length: count }, () => 1),
      ones: ['attention_mask'],
      maxContext: 256,
    }),
  );
  const graphs = plan.stages.map((stage) => joinChunks(unwrap(encodeModel(stageGraph(stage, fileName)))));
  const splitMs = performance.now() - start;
  const hashed = unwrap(await hashPlan(plan, { digest }));
  const hashMs = performance.now() - start - splitMs;
  const stages: RunnableStage[] = [];
  let fetched = 0;
  for (const [i, stage] of hashed.stages.entries()) {
    const options = {
      hashes: new Map(stage.tensors.map(({ name, sha256 = '' }) => [name, sha256])),
      read: ({ offset, length }: { readonly offset: number; readonly length: number }) => {
        fetched += length;
        return source.read(offset, length);
      },
      digest,
    };
    stages.push(unwrap(await assembleStage(unwrap(decodeModel(graphs[i] ?? new Uint8Array())), options)));
  }
  const difference = await largestDifference(whole, hashed, stages);
  if (difference !== 0)
    throw new Error(`${count} stages: a logit differs by ${difference} from the whole model's`);
  say(
    `${count} stages: ${bytesOf(plan)} MB, cut in ${Math.round(splitMs)} ms, hashed in ${Math.round(hashMs)} ms`,
  );
  return {
    [`stages_${count}_max_bytes`]: Math.max(...plan.stages.map(({ bytes }) => bytes)),
    [`stages_${count}_fetched_bytes`]: fetched,
    [`stages_${count}_max_graph_bytes`]: Math.max(...graphs.map(({ byteLength }) => byteLength)),
    [`stages_${count}_max_abs_diff`]: difference,
    [`stages_${count}_split_ms`]: Math.round(splitMs),
    [`stages_${count}_hash_ms`]: Math.round(hashMs),
  };
};

const bytesOf = ({ stages }: StagePlan) =>
  stages.map(({ bytes }: Stage) => (bytes / 1e6).toFixed(1)).join(' + ');

const describe = ({ milliseconds }: Recording) =>
  `${tokensOfPrompt} tokens of prompt and ${tokensAfterPrompt} more in ${Math.round(milliseconds)} ms`;
