import { Counter, Gauge, Registry, Summary } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { describeMetric, metricDescriptions } from './catalogue.ts';
import { isMetricName } from './labels.ts';
import { renderPrometheus } from './prometheus.ts';
import { createMetricsRegistry } from './registry.ts';
import { normal, seededRandom } from './testDoubles.ts';
import type { MetricDescription } from './types.ts';

const nasty = ['plain', '"quoted"', 'back\\slash', 'two\nlines', '\\n', 'é😀', '', '{a="b"}', '\\"', '#'];
const help = 'It says "this" and \\ that,\nthen more';
const described = (kind: MetricDescription['kind']): MetricDescription => ({
  kind,
  help,
  unit: 'count',
  labels: ['what', 'n'],
});

describe('Prometheus text', () => {
  it('has help, type, and lines in order', () => {
    const registry = createMetricsRegistry();
    registry.count('a_total', 2);
    registry.gauge('b', 0.5, { x: 1 });
    registry.gauge('b', -1e-9, { x: 2 });
    for (let i = 1; i <= 100; i++) registry.observe('c_seconds', i, { way: 'direct' });
    const text = renderPrometheus(registry.snapshot(), (name) =>
      name === 'b' ? undefined : { kind: 'counter', help: `What ${name} is`, unit: 'count', labels: [] },
    );
    expect(text.replace(/(quantile="[\d.]+"}) [\d.]+/g, '$1 …')).toBe(
      [
        '# HELP a_total What a_total is',
        '# TYPE a_total counter',
        'a_total 2',
        '# TYPE b gauge',
        'b{x="1"} 0.5',
        'b{x="2"} -1e-9',
        '# HELP c_seconds What c_seconds is',
        '# TYPE c_seconds summary',
        'c_seconds{way="direct",quantile="0.5"} …',
        'c_seconds{way="direct",quantile="0.9"} …',
        'c_seconds{way="direct",quantile="0.95"} …',
        'c_seconds{way="direct",quantile="0.99"} …',
        'c_seconds_sum{way="direct"} 5050',
        'c_seconds_count{way="direct"} 100',
        '',
      ].join('\n'),
    );
    expect(renderPrometheus([], describeMetric)).toBe('');
  });

  it('spells what is no finite number as Prometheus does', () => {
    const lines = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map((value) =>
      renderPrometheus([{ key: 'g', name: 'g', labels: {}, kind: 'gauge', value }], () => undefined),
    );
    expect(lines.map((line) => line.split('\n')[1])).toEqual(['g NaN', 'g +Inf', 'g -Inf']);
  });

  it('never writes two metrics as one name', () => {
    const registry = createMetricsRegistry();
    registry.observe('a', 1);
    registry.count('a_count', 7);
    registry.gauge('a_sum', 7);
    registry.count('a_counted', 7);
    const names = renderPrometheus(registry.snapshot(), describeMetric)
      .split('\n')
      .filter((line) => line.startsWith('# TYPE'));
    expect(names).toEqual(['# TYPE a summary', '# TYPE a_counted counter']);
  });

  it('says what prom-client says of the same samples', async () => {
    const ours = createMetricsRegistry();
    const theirs = new Registry();
    const registers = [theirs];
    const labelNames = ['what', 'n'];
    const counters = new Counter({ name: 'c_total', help, labelNames, registers });
    const gauges = new Gauge({ name: 'g', help, labelNames, registers });
    const summaries = new Summary({
      name: 's',
      help,
      labelNames,
      registers,
      percentiles: [0.5, 0.9, 0.95, 0.99],
    });
    const random = seededRandom(31);
    for (let i = 0; i < 3_000; i++) {
      const labels = { what: nasty[Math.floor(random() * nasty.length)]!, n: String(i % 3) };
      const value = normal(random) * 10 ** Math.floor(random() * 12 - 4);
      counters.inc(labels, Math.abs(value));
      ours.count('c_total', Math.abs(value), labels);
      gauges.set(labels, value);
      ours.gauge('g', value, { n: labels.n, what: labels.what });
      summaries.observe(labels, value);
      ours.observe('s', value, labels);
    }
    const text = renderPrometheus(ours.snapshot(), (name) =>
      described(name === 'g' ? 'gauge' : name === 's' ? 'histogram' : 'counter'),
    );
    expect(comparable(text)).toEqual(comparable(await theirs.metrics()));
    expect(comparable(text)).toHaveLength(6 + 4 * 30);
  });
});

describe('the catalogue', () => {
  it('names what Prometheus can read, ends counters in _total, and tells units by their names', () => {
    for (const [name, { kind, help: text, unit, labels }] of Object.entries(metricDescriptions)) {
      expect([name, isMetricName(name)]).toEqual([name, true]);
      expect([name, name.endsWith('_total')]).toEqual([name, kind === 'counter']);
      if (/_seconds$/.test(name)) expect([name, unit]).toEqual([name, 'seconds']);
      if (/_ratio$/.test(name)) expect([name, unit]).toEqual([name, 'ratio']);
      expect([name, text]).toEqual([name, expect.stringMatching(/^[A-Z][^\n]*[^.\n]$/)]);
      expect(labels).not.toContain('quantile');
    }
  });

  it('describes what it has, and nothing that every object has', () => {
    expect(describeMetric('rpc_seconds')).toMatchObject({ kind: 'histogram', labels: ['method', 'outcome'] });
    for (const name of ['constructor', '__proto__', 'toString', ''])
      expect(describeMetric(name)).toBeUndefined();
  });
});

/** Quantiles are estimated in two ways, labels may be in any order, and sums are rounded in another order. */
const comparable = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line !== '' && !line.includes('quantile='))
    .map((line) => {
      const found = /^([a-z_]+)\{(.*)\} (\S+)$/.exec(line);
      if (!found) return line;
      const labels = found[2]!.match(/[a-z]+="(?:[^"\\]|\\.)*"/g) ?? [];
      return `${found[1]}{${labels.sort().join()}} ${Number(found[3]).toPrecision(12)}`;
    })
    .sort();
