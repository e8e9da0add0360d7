import { describe, expect, it } from 'vitest';
import { createMetricsRegistry } from './registry.ts';
import type { DropReason, MetricsRegistry } from './types.ts';

const keysOf = (registry: MetricsRegistry) => registry.snapshot().map(({ key }) => key);
const drops = (registry: MetricsRegistry) =>
  Object.fromEntries(Object.entries(registry.dropped()).filter(([, count]) => count > 0)) as Partial<
    Record<DropReason, number>
  >;

describe('a metrics registry', () => {
  it('adds counters, keeps the newest of a gauge, and the distribution of samples', () => {
    const registry = createMetricsRegistry();
    registry.count('jobs_total');
    registry.count('jobs_total', 4);
    registry.gauge('peers', 7);
    registry.gauge('peers', -3);
    for (const seconds of [0.1, 0.2, 0.4]) registry.observe('rpc_seconds', seconds);
    expect(registry.value('jobs_total')).toBe(5);
    expect(registry.value('peers')).toBe(-3);
    expect(registry.value('rpc_seconds')).toBe(3);
    expect(registry.value('nothing')).toBe(0);
    const [, , rpc] = registry.snapshot();
    expect(rpc?.kind === 'histogram' && rpc.sketch.quantile(0.5)).toBeCloseTo(0.2, 2);
  });

  it('finds one series whatever the order of labels, the type of their values, and labels that are undefined', () => {
    const registry = createMetricsRegistry();
    registry.count('rpc_total', 1, { method: 'read', code: 200 });
    registry.count('rpc_total', 1, { code: '200', method: 'read' });
    registry.count('rpc_total', 1, { code: 200, peer: undefined, method: 'read' });
    registry.count('rpc_total', 1, { code: 200, method: 'read' });
    expect(registry.snapshot()).toEqual([
      {
        key: 'rpc_total{code="200",method="read"}',
        name: 'rpc_total',
        labels: { code: '200', method: 'read' },
        kind: 'counter',
        value: 4,
      },
    ]);
    expect(registry.value('rpc_total', { method: 'read', code: 200 })).toBe(4);
    expect(registry.value('rpc_total', { method: 'read' })).toBe(0);
    expect(registry.value('rpc_total')).toBe(0);
    expect(registry.snapshot()).toHaveLength(1);
  });

  it('tells apart sets of labels that begin or are spelt alike', () => {
    const registry = createMetricsRegistry();
    const sets = [
      undefined,
      { a: 'x' },
      { a: 'x', b: 'y' },
      { b: 'x' },
      { a: 'x",b="y' },
      { a: 'y', b: 'x' },
      { b: 'y', a: 'x' },
    ];
    for (const labels of [...sets, ...sets.toReversed()]) registry.count('n_total', 1, labels);
    expect(registry.snapshot().map(({ key }) => [key, registry.value('n_total')])).toHaveLength(6);
    expect(registry.value('n_total', { a: 'x', b: 'y' })).toBe(4);
    expect(registry.value('n_total', {})).toBe(2);
    expect(registry.value('n_total', { a: 'x",b="y' })).toBe(2);
  });

  it('lists in order of name, then key', () => {
    const registry = createMetricsRegistry();
    registry.gauge('b', 1, { z: 1 });
    registry.gauge('b_a', 1);
    registry.gauge('b', 1, { a: 1 });
    registry.gauge('a', 1);
    expect(keysOf(registry)).toEqual(['a', 'b{a="1"}', 'b{z="1"}', 'b_a']);
    registry.gauge('a0', 1);
    expect(keysOf(registry)).toEqual(['a', 'a0', 'b{a="1"}', 'b{z="1"}', 'b_a']);
  });

  it('reads a watched gauge when somebody looks, and forgets it at its end', () => {
    const registry = createMetricsRegistry();
    let lag: number | undefined = 1;
    const end = registry.watch('lag_seconds', () => lag);
    expect(registry.value('lag_seconds')).toBe(1);
    lag = 2;
    expect(registry.snapshot()).toMatchObject([{ value: 2 }]);
    for (const nothing of [undefined, Number.NaN, Number.POSITIVE_INFINITY]) {
      lag = nothing;
      expect(registry.snapshot()).toEqual([]);
    }
    lag = 3;
    end();
    end();
    expect(registry.snapshot()).toEqual([]);
    registry.gauge('lag_seconds', 9);
    expect(registry.value('lag_seconds')).toBe(9);
  });

  it('survives a watched gauge that throws, and one that another has replaced', () => {
    const registry = createMetricsRegistry();
    const endFirst = registry.watch('lag_seconds', () => {
      throw new Error('gone');
    });
    expect(registry.snapshot()).toEqual([]);
    const endSecond = registry.watch('lag_seconds', () => 5);
    endFirst();
    expect(registry.value('lag_seconds')).toBe(5);
    endSecond();
    expect(registry.snapshot()).toEqual([]);
  });

  it('has room again for what is watched when others have ended', () => {
    const registry = createMetricsRegistry({ maxSeriesPerName: 2 });
    const watch = (peer: number) => registry.watch('rtt_seconds', () => peer, { peer });
    const ends = [watch(1), watch(2)];
    watch(3);
    expect(keysOf(registry)).toEqual(['rtt_seconds{peer="1"}', 'rtt_seconds{peer="2"}']);
    expect(drops(registry)).toEqual({ cardinality: 1 });
    for (const end of ends) end();
    watch(4);
    expect(keysOf(registry)).toEqual(['rtt_seconds{peer="4"}']);
  });
});

describe('what a registry does not take', () => {
  it('is counted by its reason, and changes nothing', () => {
    const registry = createMetricsRegistry();
    registry.count('a_total', 3);
    for (const by of [Number.NaN, Number.POSITIVE_INFINITY]) registry.count('a_total', by);
    registry.count('a_total', -1);
    registry.observe('a_total', 1);
    registry.gauge('a_total', 1);
    registry.observe('b_seconds', Number.NaN);
    registry.observe('b_seconds', -0.001);
    registry.gauge('c', Number.NEGATIVE_INFINITY);
    expect(registry.value('a_total')).toBe(3);
    expect(keysOf(registry)).toEqual(['a_total']);
    expect(drops(registry)).toEqual({ 'not-finite': 4, negative: 2, kind: 2 });
  });

  it('is a sum beyond all numbers', () => {
    const registry = createMetricsRegistry();
    registry.count('a_total', Number.MAX_VALUE);
    registry.count('a_total', Number.MAX_VALUE);
    expect(registry.value('a_total')).toBe(Number.MAX_VALUE);
    expect(drops(registry)).toEqual({ 'not-finite': 1 });
  });

  it('takes negative samples of what is no duration and no size', () => {
    const registry = createMetricsRegistry();
    registry.observe('reward', -2);
    expect(registry.value('reward')).toBe(1);
  });

  it('is a name or a label that Prometheus could not read', () => {
    const registry = createMetricsRegistry();
    const names = ['__proto__', '__reserved', '', '1st', 'a-b', 'a b', 'a\n', 'é', 'a'.repeat(1_000)];
    for (const name of names) registry.count(name);
    const labels = [
      { 'a-b': 1 },
      { ['__proto__']: 1 },
      { __name__: 1 },
      { quantile: 0.5 },
      { 'x:y': 1 },
      { '': 1 },
      Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`l${i}`, 1])),
    ];
    for (const set of labels) registry.count('a_total', 1, set);
    expect(drops(registry)).toEqual({ label: names.length + labels.length });
    expect(registry.snapshot()).toEqual([]);
    registry.count('constructor', 2, { constructor: 'toString' });
    expect(registry.snapshot()).toMatchObject([{ key: 'constructor{constructor="toString"}', value: 2 }]);
  });

  it('is the rest of a long label, and half of a pair of characters', () => {
    const registry = createMetricsRegistry({ maxLabelLength: 4 });
    registry.count('a_total', 1, { page: 'abcdefgh' });
    registry.count('a_total', 1, { page: 'abcdxxxx' });
    registry.count('a_total', 1, { page: 'abc😀' });
    expect(keysOf(registry)).toEqual(['a_total{page="abcd"}', 'a_total{page="abc\ufffd"}']);
    expect(registry.value('a_total', { page: 'abcd' })).toBe(2);
  });
});

describe('a flood of labels', () => {
  it('ends in one series named other, in bounded memory, each counted as dropped', () => {
    const registry = createMetricsRegistry({ maxSeriesPerName: 10 });
    for (let i = 0; i < 200_000; i++) registry.observe('rpc_seconds', 0.1, { peer: i, method: 'read' });
    expect(registry.snapshot()).toHaveLength(11);
    expect(registry.value('rpc_seconds', { method: 'other', peer: 'other' })).toBe(199_990);
    expect(drops(registry)).toEqual({ cardinality: 199_990 });
    registry.observe('rpc_seconds', 0.1, { method: 'read', peer: 3 });
    expect(registry.value('rpc_seconds', { peer: 3, method: 'read' })).toBe(2);
  });

  it('meets one other series, whatever labels it has', () => {
    const registry = createMetricsRegistry({ maxSeriesPerName: 1 });
    registry.count('a_total', 1, { a: 1 });
    registry.count('a_total', 1, { a: 2 });
    registry.count('a_total', 1, { b: 1, c: 1 });
    registry.count('a_total');
    expect(keysOf(registry)).toEqual(['a_total', 'a_total{a="1"}', 'a_total{a="other"}']);
    expect(registry.value('a_total', { a: 'other' })).toBe(2);
    expect(drops(registry)).toEqual({ cardinality: 2 });
  });

  it('does not grow with new names, new orders of labels, or many series of many names', () => {
    const registry = createMetricsRegistry({ maxNames: 5, maxSeries: 8 });
    for (let i = 0; i < 100; i++) registry.count(`n${i}_total`, 1, { i });
    for (let i = 0; i < 100; i++) registry.count('n0_total', 1, { i });
    expect(registry.snapshot()).toHaveLength(9);
    expect(drops(registry)).toEqual({ cardinality: 95 + 96 });
    const letters = ['a', 'b', 'c', 'd', 'e'];
    for (const order of permutations(letters))
      registry.count('n1_total', 1, Object.fromEntries(order.map((letter) => [letter, 'x'])));
    const other = Object.fromEntries(letters.map((letter) => [letter, 'other']));
    expect(registry.value('n1_total', other)).toBe(120);
    expect(registry.snapshot()).toHaveLength(10);
  });
});

const permutations = (items: readonly string[]): string[][] =>
  items.length === 0
    ? [[]]
    : items.flatMap((item) =>
        permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]),
      );
