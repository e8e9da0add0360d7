import type { ModelFiles, Recipe } from '../../workers/protocol.ts';
import { err, type Fault, fault, ok, type Result } from '../core/result.ts';

/** Of files dropped together one is the model; the others are taken for its data. */
export const modelFilesOf = (files: readonly File[]): Result<ModelFiles, Fault> => {
  const models = files.filter(({ name }) => /\.(onnx|safetensors)$/i.test(name));
  const onnx = models.filter(({ name }) => /\.onnx$/i.test(name));
  const [file, another] = onnx.length > 0 ? onnx : models;
  if (!file) {
    const [first] = files;
    const what = first ? `“${first.name}” is neither` : 'Nothing was given';
    return err(fault('unsupported', `${what}: an .onnx or a .safetensors file is read here.`));
  }
  if (another)
    return err(
      fault('unsupported', `“${file.name}” and “${another.name}” are two models: give one at a time.`),
    );
  const beside = files.filter((one) => one !== file).map((one) => ({ name: one.name, file: one }));
  return ok({ name: file.name, file, beside });
};

const suffixes: Readonly<Record<Recipe, string>> = {
  int8: 'int8',
  q4: 'q4',
  'q4-hqq': 'q4',
  ternary: 'ternary',
  'unpack-int8': 'int8',
  'unpack-float32': 'float32',
};

/** "model.int8.onnx"; what an earlier step has added is replaced. */
export const quantizedName = (name: string, recipe: Recipe): string =>
  `${name.replace(/\.onnx$/i, '').replace(/\.(int8|q4|ternary|float32)$/, '')}.${suffixes[recipe]}.onnx`;
