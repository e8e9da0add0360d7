import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSeriesKey, seriesKey, toLabels } from './labels.ts';

describe('the key of a series', () => {
  const labels = fc.dictionary(fc.stringMatching(/^[a-zA-Z][a-z_0-9]{0,5}$/), fc.string({ unit: 'binary' }), {
    maxKeys: 4,
  });

  it('tells the name and the labels again', () => {
    fc.assert(
      fc.property(labels, (fields) => {
        const known = toLabels({ ...fields, quantile: undefined }, 50)!;
        expect(parseSeriesKey(seriesKey('a_total', known))).toEqual({ name: 'a_total', labels: known });
      }),
      { seed: 41, numRuns: 300 },
    );
  });

  it('is not anything else', () => {
    const others = [
      '',
      '1a',
      'a{',
      'a{}',
      'a{b}',
      'a{b="c"',
      'a{b="c",}',
      'a{b="c"}x',
      'a{b="c",b="d"}',
      'a{b="\\q"}',
    ];
    for (const key of [...others, 'a{__proto__="x"}', '-{b="c"}', 'a{b="\n"}', `a{b="${'\\'.repeat(99)}`])
      expect([key, parseSeriesKey(key)]).toEqual([key, undefined]);
  });
});
