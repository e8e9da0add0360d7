import { describe, expect, it } from 'vitest';
import type { ModelsView, OnnxDescription } from '../../../app/readModels.ts';
import { err, fault, ok } from '../../../core/result.ts';
import { fixtureBench } from '../../testDoubles.ts';
import {
  changesInWords,
  comparisonInWords,
  formatCosine,
  formatError,
  formatShape,
  missingInWords,
  opsetsInWords,
  placesOf,
  ratioInWords,
  sharedTop,
  skippedByReason,
  whyNoInputs,
  whyNothing,
  workInWords,
} from './modelWords.ts';

type Open = Extract<ModelsView['file'], { phase: 'open' }>;
const open = (): { readonly file: Open; readonly description: OnnxDescription } => {
  const { file } = fixtureBench;
  if (file.phase !== 'open' || file.description.kind !== 'onnx') throw new Error('the fixture is open');
  return { file, description: file.description };
};

describe('numbers in words', () => {
  it('sizes are compared as people do', () => {
    expect(ratioInWords(100, 25.3)).toBe('4.0 times smaller');
    expect(ratioInWords(139, 100)).toBe('1.39 times smaller');
    expect(ratioInWords(1_000, 64)).toBe('16 times smaller');
    expect(ratioInWords(100, 101)).toBe('about the same size');
    expect(ratioInWords(10, 40)).toBe('4.0 times larger');
    expect(ratioInWords(1, 0)).toBe('of no known size');
  });

  it('errors keep the digits that count', () => {
    expect([0, 0.000_000_3, 0.000_042, 0.0083, 0.0121, 0.84].map(formatError)).toEqual([
      '0 %',
      '< 0.0001 %',
      '0.0042 %',
      '0.83 %',
      '1.2 %',
      '84 %',
    ]);
  });

  it('a cosine is 1 only if it is', () => {
    expect([1, 0.999_93, 0.87].map(formatCosine)).toEqual(['1', '0.999930', '0.8700']);
  });

  it('a share of rows is all only if it is', () => {
    expect([1, 0.9999, 0.991, 0.5].map(sharedTop)).toEqual([
      'all rows',
      '99.9 % of rows',
      '99.1 % of rows',
      '50 % of rows',
    ]);
  });

  it('shapes and operator sets', () => {
    expect(formatShape([2, 3])).toBe('2 × 3');
    expect(formatShape([])).toBe('scalar');
    expect(opsetsInWords({ 'ai.onnx': 17, 'com.microsoft': 1 })).toBe('ai.onnx 17, com.microsoft 1');
  });
});

it('what changes and what stays is counted', () => {
  expect(changesInWords(9, 33)).toBe('9 weights change, 33 stay');
  expect(changesInWords(1, 0)).toBe('1 weight changes');
});

it('a free size says where it occurs', () => {
  expect(placesOf('sequence', open().description)).toBe('“ids”, axis 1');
});

it('reasons that many share are said once', () => {
  const skipped = [
    { name: 'a', reason: 'it has one axis' },
    { name: 'b', reason: 'no node uses it' },
    { name: 'c', reason: 'no node uses it' },
  ];
  expect(skippedByReason(skipped)).toEqual([
    { reason: 'no node uses it', names: ['b', 'c'] },
    { reason: 'it has one axis', names: ['a'] },
  ]);
});

describe('why nothing can be made', () => {
  it('is not said where something can', () => expect(whyNothing(open().file)).toBeUndefined());

  it('says that weights are missing', () => {
    const { file, description } = open();
    const one = { ...file, description: { ...description, missing: ['net.bin'] } };
    expect(whyNothing(one)).toContain('weights that are missing');
  });

  it('tells weights without operators from models', () => {
    const { file } = open();
    const description = {
      kind: 'safetensors',
      bytes: 1,
      parameters: 1,
      tensors: 1,
      bytesByType: [],
      largest: [],
      metadata: [],
    } as const;
    expect(whyNothing({ ...file, description, plans: [] })).toContain('Give the .onnx model');
  });

  it('gives the reason of the recipes, or that nothing is large enough', () => {
    const { file } = open();
    const refused = err(fault('unsupported', 'sparse weights'));
    expect(whyNothing({ ...file, plans: [{ recipe: 'q4', outcome: refused }] })).toBe('sparse weights');
    const nothing = ok({ tensors: 0, skipped: [], bytesAfter: 4 });
    const plans = [{ recipe: 'q4', outcome: nothing }] as const;
    expect(whyNothing({ ...file, plans })).toContain('large enough');
    const ops = [['com.microsoft.DynamicQuantizeMatMul', 2]] as const;
    const { description } = open();
    expect(whyNothing({ ...file, plans, description: { ...description, ops } })).toContain('already');
  });
});

it('files that are missing are named', () => {
  expect(missingInWords(['net.bin'])).toContain(
    '“net.bin”, which was not given: choose the model and that file',
  );
  expect(missingInWords(['a', 'b', 'c', 'd'])).toContain('“a”, “b”, “c” and 1 more, which were not given');
});

it('inputs that can not be made are named', () => {
  const { description } = open();
  expect(whyNoInputs(description)).toBeUndefined();
  const feeds = [
    {
      name: 'text',
      dtype: 'string',
      dims: [1],
      obstacle: 'values of string are not made here',
      rows: undefined,
    },
  ] as const;
  expect(whyNoInputs({ ...description, feeds })).toBe(
    'Inputs can’t be made for it: “text”: values of string are not made here.',
  );
});

it('a comparison in a sentence', () => {
  const output = { name: 'y', dims: [1, 4], cosine: 1, max: 0.1, notFinite: 0 };
  expect(comparisonInWords([{ ...output, relative: 0.0121, sameTop: 0.97 }], 4)).toBe(
    'The outputs differ by 1.2 % over 4 runs. The top choice stayed the same in 97 % of rows.',
  );
  expect(comparisonInWords([{ ...output, relative: 0, sameTop: undefined }], 1)).toBe(
    'Both give the same over 1 run.',
  );
  expect(comparisonInWords([{ ...output, relative: 0.1, sameTop: undefined, notFinite: 3 }], 2)).toContain(
    'Some numbers are not finite.',
  );
});

it('what happens is said without numbers that run', () => {
  expect(workInWords(fixtureBench)).toBe('Compared');
  const comparison = { phase: 'none' } as const;
  expect(workInWords({ ...fixtureBench, comparison })).toBe('letters.int8.onnx is ready: 1.23 MB');
  const work = { phase: 'running', recipe: 'q4', progress: undefined } as const;
  expect(workInWords({ ...fixtureBench, comparison, work })).toBe('Making 4 bits, rounded');
});
