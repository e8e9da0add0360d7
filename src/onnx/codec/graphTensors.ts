import type { Attribute, Graph, Model, Node, Tensor } from '../ir/types.ts';

/** Another tensor in its place, or itself. */
export type ChangeTensor = (tensor: Tensor, name: string) => Tensor;

/** Every initializer of the model's graph and of graphs in it and in its functions, in the file's order. */
export const mapInitializers = (model: Model, change: ChangeTensor): Model => ({
  ...model,
  graph: mapGraph(model.graph, change),
  functions: model.functions.map((one) => ({
    ...one,
    nodes: one.nodes.map((node) => mapNode(node, change)),
  })),
});

const mapGraph = (graph: Graph, change: ChangeTensor): Graph => {
  const nodes = graph.nodes.map((node) => mapNode(node, change));
  const initializers = new Map([...graph.initializers].map(([name, tensor]) => [name, change(tensor, name)]));
  return { ...graph, nodes, initializers };
};

const mapNode = (node: Node, change: ChangeTensor): Node => {
  const entries = Object.entries(node.attributes);
  if (!entries.some(([, { type }]) => type === 'graph' || type === 'graphs')) return node;
  const attributes = entries.map(([name, attribute]) => [name, mapAttribute(attribute, change)]);
  return { ...node, attributes: Object.fromEntries(attributes) };
};

const mapAttribute = (attribute: Attribute, change: ChangeTensor): Attribute => {
  if (attribute.type === 'graph') return { ...attribute, value: mapGraph(attribute.value, change) };
  if (attribute.type === 'graphs')
    return { ...attribute, value: attribute.value.map((graph) => mapGraph(graph, change)) };
  return attribute;
};
