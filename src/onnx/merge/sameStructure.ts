import { equalBytes } from '../../core/bytes.ts';
import { canonicalParts } from '../canonicalForm.ts';
import type { OpenExternal } from '../codec/external.ts';
import { refuse } from '../codec/refusal.ts';
import type { Model, Tensor } from '../ir/types.ts';
import { readBytes, taken } from './computedTensor.ts';

/** A model, and what opens the files beside it. */
export type OpenModel = { readonly model: Model; readonly open?: OpenExternal | undefined };

/**
 * Throws `Refusal` unless both compute the same function of their initializers: the same canonical form, in which the same
 * names stand at the same places, and equal constants in nodes.
 */
export const requireSameStructure = async (a: OpenModel, b: OpenModel, label: string): Promise<void> => {
  const [ours, theirs] = [partsOf(a.model), partsOf(b.model)];
  for (let i = 0; i < Math.max(ours.parts.length, theirs.parts.length); i++) {
    const [one, other] = [ours.parts[i], theirs.parts[i]];
    if (typeof one === 'object' && typeof other === 'object') {
      const [name, otherName] = [ours.names.get(one), theirs.names.get(other)];
      if (name !== otherName)
        throw refuse(
          'invalid',
          `${name ?? 'a constant'} stands in model 0 where ${otherName ?? 'a constant'} does in ${label}`,
        );
      if (name === undefined) await requireEqual([one, a.open], [other, b.open], label);
    } else if (one !== other)
      throw refuse(
        'invalid',
        `the graphs differ: where model 0 has ${textOf(one)}, ${label} has ${textOf(other)}`,
      );
  }
};

/** The canonical form, and the names of the main graph's initializers in it; two may share a tensor, so each is copied. */
const partsOf = (model: Model) => {
  const initializers = new Map([...model.graph.initializers].map(([name, tensor]) => [name, { ...tensor }]));
  const parts = taken(canonicalParts({ ...model, graph: { ...model.graph, initializers } }));
  return { parts, names: new Map<Tensor, string>([...initializers].map(([name, tensor]) => [tensor, name])) };
};

type Constant = readonly [Tensor, OpenExternal | undefined];

const requireEqual = async ([a, openA]: Constant, [b, openB]: Constant, label: string): Promise<void> => {
  if (a.dtype === 'string' || b.dtype === 'string')
    throw refuse('unsupported', 'constants of strings are not compared');
  const name = a.name || 'a constant in a node';
  if (!equalBytes(await readBytes(name, a, openA), await readBytes(name, b, openB)))
    throw refuse(
      'unsupported',
      `${name}, ${a.dtype}[${a.dims.join()}], differs in ${label}: only initializers of the main graph are merged`,
    );
};

const textOf = (part: string | Tensor | undefined): string => {
  if (part === undefined) return 'its end';
  return typeof part === 'string' ? JSON.stringify(part.slice(0, 80)) : `a tensor of ${part.dtype}`;
};
