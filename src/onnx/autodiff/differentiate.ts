import { err, ok, type Result } from '../../core/result.ts';
import { type OnnxFault, onnxFault } from '../fault.ts';
import { bitsPerElement } from '../ir/dataTypes.ts';
import type { Graph, Node, Tensor } from '../ir/types.ts';
import { createEmitter, type Emitter, graphBehind, type Known, type Name, namesOf } from './emitter.ts';
import { addAll, isSame } from './math.ts';
import { attributesOf, type Site, titleOf } from './rule.ts';
import { ruleOf } from './rules.ts';

export type Differentiated = {
  /** The graph with the nodes of the backward pass behind its own; its outputs are what they were. */
  readonly graph: Graph;
  /** For each value that was asked for, the value that is its gradient; zeros for one the loss does not depend on. */
  readonly gradients: ReadonlyMap<Name, Name>;
  /** Of all values, those of the backward pass among them. */
  readonly known: ReadonlyMap<Name, Known>;
};

/**
 * Reverse-mode differentiation as a graph transformation: writes ∂loss/∂w for each w of `wrt` with nodes of the same language
 * (Griewank, Walther, "Evaluating Derivatives", 2008, §3.2). Knows the order of nodes and who wants what; doesn't know any
 * operator (`rules.ts`), and computes nothing.
 *
 * `loss` is a scalar float32. All dims must be numbers: a gradient graph is made for one batch size. Operators with no rule are
 * in nobody's way unless a wanted gradient would have to pass them.
 */
export const differentiate = (
  graph: Graph,
  options: {
    readonly loss: Name;
    readonly wrt: readonly Name[];
    /** Values that nothing flows through, though they are computed from those: taken as constants. */
    readonly stopped?: ReadonlySet<Name>;
    /** Of every value, by name: see `knownValues`. */
    readonly known: ReadonlyMap<Name, Known>;
  },
): Result<Differentiated, OnnxFault> => {
  const { loss, wrt } = options;
  const knownOf = (name: Name) => options.known.get(name);
  const objection = whyNot(graph, options, knownOf);
  if (objection) return err(objection);
  const taken = namesOf(graph);
  const e = createEmitter({ prefix: 'grad', known: knownOf, isTaken: (name) => taken.has(name) });
  const active = activeValues(graph, wrt, options.stopped);
  const constants = constantsOf(graph);
  const nodes = [...graph.nodes];
  /** What has flowed into a value from those who use it. */
  const contributions = new Map<Name, Name[]>([[loss, [e.scalar(1)]]]);
  const totals = new Map<Name, Name>();
  const gradOf = (value: Name): Name | undefined => {
    const before = totals.get(value);
    if (before !== undefined) return before;
    const [first, ...others] = contributions.get(value) ?? [];
    if (first === undefined) return undefined;
    const total = addAll(e, [first, ...others]);
    totals.set(value, total);
    return total;
  };

  for (let at = nodes.length - 1; at >= 0; at--) {
    const node = nodes[at];
    if (!node?.outputs.some((output) => contributions.has(output))) continue;
    if (!node.inputs.some((input) => active.has(input))) continue;
    const passed = passBack(node, { e, gradOf, active, constants });
    if (!passed.ok) return passed;
    if (passed.value.node !== node) nodes[at] = passed.value.node;
    for (const [input, gradient] of passed.value.flows) {
      if (!isSame(e.dims(gradient), e.dims(input)))
        return err(
          onnxFault(
            'invalid',
            `${titleOf(node)}: the gradient of ${input} came out as [${e.dims(gradient)}], not [${e.dims(input)}]`,
            titleOf(node),
          ),
        );
      contributions.set(input, [...(contributions.get(input) ?? []), gradient]);
    }
  }

  const gradients = new Map(
    wrt.map((value) => [
      value,
      gradOf(value) ?? e.emit('Expand', [e.scalar(0), e.ints(e.dims(value))], e.dims(value)),
    ]),
  );
  return ok({
    graph: graphBehind({ ...graph, nodes }, e),
    gradients,
    known: new Map([...options.known, ...e.emitted]),
  });
};

/** Initializers that are no input, whose value could be another, and what `Constant` nodes give. */
export const constantsOf = (graph: Graph): ReadonlyMap<Name, Tensor> => {
  const inputs = new Set(graph.inputs.map(({ name }) => name));
  const constants = new Map([...graph.initializers].filter(([name]) => !inputs.has(name)));
  for (const { op, attributes, outputs } of graph.nodes) {
    const value = op === 'Constant' ? attributes['value'] : undefined;
    if (value?.type === 'tensor' && outputs[0]) constants.set(outputs[0], value.value);
  }
  return constants;
};

/** All that depends on one of them. */
const activeValues = (
  graph: Graph,
  wrt: readonly Name[],
  stopped: ReadonlySet<Name> | undefined,
): ReadonlySet<Name> => {
  const active = new Set(wrt);
  for (const node of graph.nodes)
    if (node.inputs.some((input) => active.has(input)))
      for (const output of node.outputs) if (!stopped?.has(output)) active.add(output);
  return active;
};

const whyNot = (
  graph: Graph,
  { loss, wrt }: { readonly loss: Name; readonly wrt: readonly Name[] },
  knownOf: (name: Name) => Known | undefined,
): OnnxFault | undefined => {
  const lossKnown = knownOf(loss);
  const defined = namesOf(graph);
  const stranger = [loss, ...wrt].find((name) => !defined.has(name));
  if (stranger !== undefined) return onnxFault('missing', `the graph has no value '${stranger}'`);
  if (!lossKnown || lossKnown.dims.length > 0 || lossKnown.dtype !== 'float32')
    return onnxFault(
      'invalid',
      `the loss '${loss}' must be a float32 scalar, and is ${lossKnown ? `${lossKnown.dtype}[${lossKnown.dims}]` : 'of unknown dims'}`,
    );
  const odd = wrt.find((name) => knownOf(name)?.dtype !== 'float32');
  return odd === undefined
    ? undefined
    : onnxFault('invalid', `'${odd}' is no float32 tensor of known dims: no gradient can be had of it`);
};

const isFloat = (known: Known | undefined): boolean =>
  known !== undefined && known.dtype === 'float32' && bitsPerElement[known.dtype] === 32;

type Passing = {
  readonly e: Emitter;
  readonly gradOf: (value: Name) => Name | undefined;
  readonly active: ReadonlySet<Name>;
  readonly constants: ReadonlyMap<Name, Tensor>;
};

type Passed = {
  /** The node as it is now: a rule may have asked for an output that it did not have. */
  readonly node: Node;
  readonly flows: readonly (readonly [input: Name, gradient: Name])[];
};

const passBack = (original: Node, { e, gradOf, active, constants }: Passing): Result<Passed, OnnxFault> => {
  let node = original;
  const title = titleOf(node);
  const wanted = node.inputs.map((input) => active.has(input) && isFloat(e.known(input)));
  // Nothing that can change flows through: an argmax, a comparison, a cast to integers.
  if (!wanted.includes(true) || !node.outputs.some((output) => isFloat(e.known(output))))
    return ok({ node, flows: [] });
  const rule = ruleOf(node.op, node.domain);
  if (!rule)
    return err(
      onnxFault(
        'unsupported',
        `${title}: no gradient is known for ${node.domain ? `${node.domain}.` : ''}${node.op}`,
        title,
      ),
    );
  const unknown = [...node.inputs, ...node.outputs].find((value) => value !== '' && !e.known(value));
  if (unknown !== undefined)
    return err(
      onnxFault(
        'invalid',
        `${title}: '${unknown}' must have dims that are numbers: fix the batch size`,
        title,
      ),
    );
  const site: Site = {
    get node() {
      return node;
    },
    e,
    inputs: node.inputs.map((input) => input),
    wants: (input) => wanted[input] ?? false,
    dims: (input) => e.dims(node.inputs[input] ?? ''),
    grad: (output) => {
      const name = node.outputs[output];
      return name ? gradOf(name) : undefined;
    },
    output(index, dims) {
      const before = node.outputs[index];
      if (before) return before;
      const added = e.name(`${node.op}_output${index}`, { dtype: 'float32', dims });
      const outputs = Array.from({ length: Math.max(index + 1, node.outputs.length) }, (_, at) =>
        at === index ? added : (node.outputs[at] ?? ''),
      );
      node = { ...node, outputs };
      return added;
    },
    get outputDims() {
      return e.dims(node.outputs[0] ?? '');
    },
    constantInts: (input) => integersOf(constants.get(node.inputs[input] ?? '')),
    attribute: attributesOf(node.attributes),
  };
  const given = rule(site);
  if (!given.ok) return given;
  const flows = given.value.flatMap((gradient, index) => {
    const input = node.inputs[index];
    return gradient !== undefined && input && wanted[index] ? [[input, gradient] as const] : [];
  });
  return ok({ node, flows });
};

export const integersOf = (tensor: Tensor | undefined): readonly number[] | undefined => {
  if (tensor?.data.kind !== 'bytes' || (tensor.dtype !== 'int64' && tensor.dtype !== 'int32'))
    return undefined;
  const { bytes } = tensor.data;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wide = tensor.dtype === 'int64';
  return Array.from({ length: bytes.byteLength / (wide ? 8 : 4) }, (_, at) =>
    wide ? Number(view.getBigInt64(at * 8, true)) : view.getInt32(at * 4, true),
  );
};
