import type { Node } from './ir/types.ts';

/** A node for tests, of ai.onnx and without a name unless `more` says otherwise. */
export const node = (
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  more: Partial<Node> = {},
): Node => ({ op, domain: '', name: '', inputs, outputs, attributes: {}, ...more });
