/** LoRA adapters out of files and into files, as PEFT has them. */
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  fromPeft,
  inReferenceOrder,
  type LoraAdapter,
  type Safetensors,
  toPeft,
} from '../../src/onnx/index.ts';
import type { AtomicFiles } from '../../src/platform/node/index.ts';
import type { Inputs, WrittenModel } from './files.ts';
import { type Io, Stop, taken } from './io.ts';
import { writeTensors } from './tensorFiles.ts';

export const isAdapter = ({ tensors }: Safetensors): boolean =>
  tensors.size > 0 && [...tensors.keys()].every((name) => /\.lora_[AB](\.|$)/.test(name));

/** With the configuration of PEFT beside it, where the file itself doesn't say its scale. */
export const readAdapter = async (inputs: Inputs, path: string): Promise<LoraAdapter> => {
  const file = await inputs.safetensors(path);
  const config = 'lora_alpha' in (file.metadata ?? {}) ? undefined : await readConfig(dirname(path));
  return taken(await fromPeft(file, config === undefined ? {} : { config }), path);
};

const configName = 'adapter_config.json';

const readConfig = async (folder: string): Promise<unknown> => {
  const text = await readFile(join(folder, configName), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new Stop(`${join(folder, configName)} is no JSON.`);
  }
};

/** By PEFT's own name it gets PEFT's configuration beside it; by another it has that within. */
export const writeAdapter = async (
  work: { readonly io: Io; readonly files: AtomicFiles; readonly output: string },
  adapter: LoraAdapter,
): Promise<WrittenModel> => {
  const { file, config } = taken(await toPeft(adapter));
  const { files, output } = work;
  const bytes = await writeTensors(work, { ...file, tensors: taken(inReferenceOrder(file.tensors)) });
  if (basename(output) !== 'adapter_model.safetensors') return { files: [output], bytes };
  const path = join(dirname(output), configName);
  const { write } = await files.create(path);
  await write(new TextEncoder().encode(`${JSON.stringify(config, undefined, 2)}\n`));
  return { files: [output, path], bytes };
};
