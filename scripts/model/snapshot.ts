/** Training on disk, so that it goes on after a stop: weights, what the optimiser remembers, and how far it was. */
import { access } from 'node:fs/promises';
import { float32Tensor, readFloat32 } from '../../src/onnx/build/tensors.ts';
import { resolveTensor, type Tensor, type TrainingModel, writeSafetensors } from '../../src/onnx/index.ts';
import { createAtomicFiles } from '../../src/platform/node/index.ts';
import type { TrainStep } from '../../src/training/index.ts';
import { withInputs } from './files.ts';
import { Stop, taken } from './io.ts';

/** Another run goes on from a snapshot only if these are what they were. */
export type Settings = Readonly<Record<string, string | number>>;

export const saveSnapshot = async (
  path: string,
  step: TrainStep,
  carried: TrainingModel['carried'],
  at: { readonly updates: number; readonly settings: Settings },
): Promise<void> => {
  const values = taken(await step.snapshot());
  const tensors = new Map<string, Tensor>();
  for (const { input, dims } of carried) {
    const found = values.get(input);
    if (found !== undefined) tensors.set(input, float32Tensor(dims, found));
  }
  const files = createAtomicFiles();
  try {
    const { write } = await files.create(path);
    taken(await writeSafetensors(tensors, { [metadataKey]: JSON.stringify(at) }, write), path);
    await files.commit();
  } catch (cause) {
    await files.discard();
    throw cause;
  }
};

/** Puts the step where it was, and says after how many updates that is: 0 if there is no such file. */
export const restoreSnapshot = async (path: string, step: TrainStep, settings: Settings): Promise<number> => {
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  if (!isThere) return 0;
  return withInputs(async (inputs) => {
    const { tensors, metadata } = await inputs.safetensors(path);
    const at = parse(metadata?.[metadataKey]);
    if (at === undefined) throw new Stop(`${path} is no snapshot of training: name another file.`);
    const differing = Object.keys(settings).find((name) => settings[name] !== at.settings[name]);
    if (differing !== undefined)
      throw new Stop(
        `${path} was made with ${differing} ${at.settings[differing]}, and it is ${settings[differing]} now: name another file.`,
      );
    const values = new Map<string, Float32Array>();
    for (const [name, tensor] of tensors) {
      const bytes = taken(await resolveTensor(tensor, async () => undefined), path);
      values.set(name, taken(readFloat32({ ...tensor, data: { kind: 'bytes', bytes } }), path));
    }
    taken(await step.restore(values), path);
    return at.updates;
  });
};

const metadataKey = 'aivillage.training';

const parse = (
  text = '',
): { readonly updates: number; readonly settings: Readonly<Record<string, unknown>> } | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    if (!isRecord(value) || !isRecord(value['settings'])) return undefined;
    const { updates, settings } = value;
    return Number.isSafeInteger(updates) && Number(updates) >= 0
      ? { updates: Number(updates), settings }
      : undefined;
  } catch {
    return undefined;
  }
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
