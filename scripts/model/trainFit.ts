/** How data fits a model: what its free dims are, and which column is which input. */
import { bindDims, inferTypes, type Model, type TrainingModel } from '../../src/onnx/index.ts';
import type { Column, Examples } from '../../src/training/index.ts';
import { Stop, taken } from './io.ts';
import type { TrainData } from './trainData.ts';

export type Sizes = Readonly<Record<string, number>>;

export type LossKind = 'cross-entropy' | 'mse' | 'bce';

/** Examples in a step, where the model doesn't say it; tokens of an example, likewise. */
export type Lengths = { readonly batch: number; readonly sequence: number };

/** Free dims: the first of each input is the batch, others are the data's. */
export const sizesOf = (model: Model, data: TrainData, { batch, sequence }: Lengths): Sizes => {
  if (data.kind === 'text' && !inputsOf(model).some(({ name }) => name === 'input_ids'))
    throw new Stop("A text is for decoders, and the model has no input 'input_ids'.");
  const sizes: Record<string, number> = {};
  const set = (dim: string, size: number, input: string) => {
    const before = sizes[dim];
    if (before !== undefined && before !== size)
      throw new Stop(`'${dim}' of input '${input}' would be ${size}, and is ${before} elsewhere.`);
    sizes[dim] = size;
  };
  for (const { name, shape } of inputsOf(model)) {
    const dims = data.kind === 'text' ? [sequence] : columnOf(data.examples, model, name).dims;
    shape.forEach((dim, axis) => {
      if (typeof dim === 'string') set(dim, axis === 0 ? batch : (dims[axis - 1] ?? 1), name);
    });
  }
  return sizes;
};

/** Of a model whose dims are all bound. */
export const outputDims = (model: Model, sizes: Sizes, output: string): readonly number[] => {
  const bound = taken(bindDims(model, sizes));
  const type = taken(inferTypes(bound)).get(output);
  const shape = type?.kind === 'tensor' ? type.shape : undefined;
  if (shape?.every((dim) => typeof dim === 'number')) return shape;
  throw new Stop(`The dims of output '${output}' aren't all known, and training needs them.`);
};

/** Which output the loss is of: the one that is asked for, 'logits', or the only one. */
export const lossOutputOf = ({ graph }: Model, asked: string | undefined): string => {
  const names = graph.outputs.map(({ name }) => name);
  const found =
    names.find((name) => name === (asked ?? 'logits')) ?? (asked === undefined ? names[0] : undefined);
  if (found === undefined || (asked === undefined && found !== 'logits' && names.length > 1))
    throw new Stop(`Which output is the loss of? Say it with --of: ${names.join(', ')}.`);
  return found;
};

/** The columns that a step is fed with, under its names and in its shapes. */
export const fittedExamples = (
  model: Model,
  fed: TrainingModel['fed'],
  examples: Examples,
  leading: number,
): Examples => ({
  count: examples.count,
  columns: fed
    .filter(({ name }) => name !== 'training.rate')
    .map(({ name, dims }) => {
      const column = columnOf(examples, model, name);
      const wanted = dims.slice(leading);
      if (sizeOf(wanted) !== sizeOf(column.dims))
        throw new Stop(
          `An example of '${column.name}' is [${column.dims}], and the model takes [${wanted}].`,
        );
      return { ...column, name, dims: wanted };
    }),
});

/** Labels that are no class would be looked up beyond the logits' end. */
export const requireClasses = (labels: Column['data'], classes: number): void => {
  const wrong = labels.find((label) => label < 0 || label >= classes);
  if (wrong !== undefined)
    throw new Stop(
      `There is a label ${wrong}, and the model has ${classes} classes, from 0 to ${classes - 1}.`,
    );
};

export const inputsOf = ({ graph }: Model) =>
  graph.inputs.flatMap(({ name, type }) =>
    graph.initializers.has(name) || type.kind !== 'tensor'
      ? []
      : [{ name, dtype: type.dtype, shape: type.shape ?? [] }],
  );

export const sizeOf = (dims: readonly number[]): number => dims.reduce((product, dim) => product * dim, 1);

const columnOf = ({ columns }: Examples, model: Model, name: string): Column => {
  const found = columns.find((column) => column.name === name);
  if (found) return found;
  const images = columns.find((column) => column.name === 'images');
  if (images && !name.startsWith('training.') && inputsOf(model).length === 1) return images;
  throw new Stop(
    `The data has nothing for '${name.replace('training.', '')}': it has ${columns.map((one) => one.name.replace('training.', '')).join(', ')}.`,
  );
};
