import { ok, type Result } from '../../../core/result.ts';
import type { OnnxFault } from '../../fault.ts';
import type { Node, Tensor } from '../../ir/types.ts';
import { integersOf } from '../differentiate.ts';
import type { Dims, Emitter, Name } from '../emitter.ts';
import { attributesOf, type Site, titleOf, unsupported } from '../rule.ts';
import { ruleOf } from '../rules.ts';

/**
 * The gradient of one input of one node by the operator's rule, for a given gradient of its first output.
 *
 * `as`: the dims the input is to have had, if not its own. An operand that would have been copied for every example has a
 * gradient for every example: the rule leaves apart what it would have summed. `replace` is told of a node that has got a
 * further output.
 */
export const applyRule = (
  original: Node,
  at: {
    readonly e: Emitter;
    readonly input: number;
    readonly dy: Name;
    readonly as?: Dims;
    readonly constants: ReadonlyMap<Name, Tensor>;
    readonly replace: (node: Node) => void;
  },
): Result<Name, OnnxFault> => {
  const { e } = at;
  let node = original;
  const rule = ruleOf(node.op, node.domain);
  if (!rule) return unsupported({ node }, `${node.op} by example`);
  const site: Site = {
    get node() {
      return node;
    },
    e,
    inputs: node.inputs,
    wants: (input) => input === at.input,
    dims: (input) => (input === at.input && at.as) || e.dims(node.inputs[input] ?? ''),
    grad: (output) => (output === 0 ? at.dy : undefined),
    output(index, dims) {
      const before = node.outputs[index];
      if (before) return before;
      const added = e.name(`${node.op}_output${index}`, { dtype: 'float32', dims });
      const outputs = Array.from({ length: Math.max(index + 1, node.outputs.length) }, (_, place) =>
        place === index ? added : (node.outputs[place] ?? ''),
      );
      node = { ...node, outputs };
      at.replace(node);
      return added;
    },
    outputDims: e.dims(node.outputs[0] ?? ''),
    constantInts: (input) => integersOf(at.constants.get(node.inputs[input] ?? '')),
    attribute: attributesOf(node.attributes),
  };
  const given = rule(site);
  if (!given.ok) return given;
  const gradient = given.value[at.input];
  return gradient === undefined
    ? unsupported({ node }, `input ${at.input} of ${titleOf(node)}`)
    : ok(gradient);
};
