import { err, ok, type Result } from '../../core/result.ts';
import { type OnnxFault, onnxFault } from '../fault.ts';
import type { Attribute, Node } from '../ir/types.ts';
import type { Dims, Emitter, Name } from './emitter.ts';

/** The gradient for each input, in their order; undefined where none flows. */
export type Gradients = readonly (Name | undefined)[];

/**
 * What a rule sees of the node whose gradient it writes. All inputs and outputs that it asks for are tensors of known dims;
 * a gradient has the dims of its value.
 */
export interface Site {
  readonly node: Node;
  readonly e: Emitter;
  readonly inputs: readonly Name[];
  /** Whether anybody wants the gradient of this input: what nobody wants need not be written. */
  wants(input: number): boolean;
  dims(input: number): Dims;
  /** Of an output. A rule is called only if one of them has any. */
  grad(output: number): Name | undefined;
  /** An output that the node may not have had until now, such as a normalization's mean. */
  output(index: number, dims: Dims): Name;
  /** Of the first output. */
  readonly outputDims: Dims;
  /** An input that is a constant of the graph, such as axes or a target shape; undefined if it is computed, or absent. */
  constantInts(input: number): readonly number[] | undefined;
  readonly attribute: Attributed;
}

/** Attributes with their defaults. */
export interface Attributed {
  int(name: string, otherwise: number): number;
  float(name: string, otherwise: number): number;
  text(name: string, otherwise: string): string;
  ints(name: string): readonly number[] | undefined;
}

/** Reverse mode: gradients of the outputs in, gradients of the inputs out (vector–Jacobian product). */
export type Rule = (site: Site) => Result<Gradients, OnnxFault>;

export const gradients = (...given: Gradients): Result<Gradients, OnnxFault> => ok(given);

export const unsupported = ({ node }: Pick<Site, 'node'>, what: string): Result<never, OnnxFault> =>
  err(onnxFault('unsupported', `${titleOf(node)}: no gradient for ${what}`, titleOf(node)));

export const titleOf = (node: Node): string => `${node.op} ${node.name || (node.outputs[0] ?? '')}`;

export const attributesOf = (attributes: Node['attributes']): Attributed => {
  const found = <Type extends Attribute['type']>(name: string, type: Type) => {
    const attribute = attributes[name];
    return attribute?.type === type ? (attribute as Extract<Attribute, { type: Type }>) : undefined;
  };
  return {
    int: (name, otherwise) => Number(found(name, 'int')?.value ?? otherwise),
    float: (name, otherwise) => found(name, 'float')?.value ?? otherwise,
    text: (name, otherwise) => found(name, 'string')?.value ?? otherwise,
    ints: (name) => found(name, 'ints')?.value.map(Number),
  };
};
