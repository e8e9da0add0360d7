import { describe, expect, it } from 'vitest';
import { unwrap } from '../core/result.ts';
import { bindDims } from './bindDims.ts';
import { buildMlp } from './build/mlp.ts';
import { inferTypes } from './infer.ts';

const mlp = unwrap(
  buildMlp(
    { family: 'mlp', inputs: 3, hidden: [4], outputs: 2, activation: 'relu' },
    { kind: 'seed', seed: 1 },
  ),
);

describe('named dimensions', () => {
  it('become numbers, and all types follow from them', () => {
    const bound = unwrap(bindDims(mlp, { batch: 5 }));
    const types = unwrap(inferTypes(bound));
    for (const { name } of [...bound.graph.inputs, ...bound.graph.outputs])
      expect(types.get(name)).toMatchObject({ shape: [5, expect.any(Number)] });
    for (const type of types.values())
      if (type.kind === 'tensor') expect(type.shape?.every((dim) => typeof dim === 'number')).toBe(true);
  });

  it.each([
    [{ sequence: 5 }, "no input has a dimension 'sequence': they are batch"],
    [{ batch: 0 }, 'a whole number from 1 on'],
    [{ batch: 1.5 }, 'a whole number from 1 on'],
  ])('are not bound as %j', (sizes, message) => {
    const result = bindDims(mlp, sizes);
    expect(result.ok ? '' : result.error.message).toContain(message);
  });
});
