import { err, ok, type Result } from '../../../core/result.ts';
import { type OnnxFault, onnxFault } from '../../fault.ts';
import type { Graph, Node } from '../../ir/types.ts';
import { constantsOf, integersOf } from '../differentiate.ts';
import type { Known, Name } from '../emitter.ts';
import { attributesOf, titleOf } from '../rule.ts';
import { type Place, placesOf } from './places.ts';

/** Of each value that depends on the examples, where they lie in it. All others are the same for every example. */
export type BatchFlow = ReadonlyMap<Name, Place>;

/**
 * Follows the examples from the inputs to `of`, and so proves that what is computed of one doesn't depend on another: row i of
 * every value comes from row i of the inputs. Conservative: an operator that is not known to keep examples apart, or that
 * can't be told to, is a fault that names its node (`unsupported`).
 *
 * An input is one of examples if its first dimension is `batch`. Knows nothing of what is trained.
 */
export const traceBatch = (
  graph: Graph,
  options: {
    readonly batch: number;
    readonly of: Name;
    readonly inputs: readonly Name[];
    readonly known: ReadonlyMap<Name, Known>;
  },
): Result<BatchFlow, OnnxFault> => {
  const { batch, known } = options;
  const constants = constantsOf(graph);
  const flow = new Map<Name, Place>();
  for (const name of options.inputs)
    if (known.get(name)?.dims[0] === batch) flow.set(name, { axis: 0, inner: 1 });
  const dimsOf = (name: Name | undefined) => known.get(name ?? '')?.dims;
  for (const node of nodesBefore(graph, options.of)) {
    if (Object.values(node.attributes).some(({ type }) => type === 'graph' || type === 'graphs'))
      return err(mixes(node, 'a graph inside it is not looked into'));
    const places = node.inputs.map((input) => flow.get(input));
    if (places.every((place) => place === undefined)) continue;
    const place = placesOf({
      node,
      places,
      batch,
      dims: (input) => dimsOf(node.inputs[input]) ?? [],
      out: dimsOf(node.outputs[0]) ?? [],
      ints: (input) => integersOf(constants.get(node.inputs[input] ?? '')),
      attribute: attributesOf(node.attributes),
    });
    if (place === 'shared') continue;
    if (place === 'mixed') return err(mixes(node, 'it may mix examples'));
    for (const output of node.outputs) {
      if (output === '') continue;
      if (dimsOf(output)?.[place.axis] !== batch * place.inner)
        return err(mixes(node, `its output '${output}' doesn't have ${batch} examples where they should be`));
      flow.set(output, place);
    }
  }
  return ok(flow);
};

/** Those that a value depends on, in their order. */
export const nodesBefore = (graph: Graph, value: Name): readonly Node[] => {
  const needed = new Set([value]);
  return graph.nodes
    .toReversed()
    .filter(({ inputs, outputs }) => {
      if (!outputs.some((output) => needed.has(output))) return false;
      for (const input of inputs) needed.add(input);
      return true;
    })
    .toReversed();
};

const mixes = (node: Node, why: string): OnnxFault =>
  onnxFault('unsupported', `${titleOf(node)}: no gradient by example, for ${why}`, titleOf(node));
