import type { LogFields } from '../../core/ports/telemetry.ts';
import type { Labels } from './types.ts';

/** https://prometheus.io/docs/concepts/data_model. Names that begin with two underscores are for its own use. */
const metricName = /^(?!__)[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const labelName = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/;
const maxNameLength = 128;
const maxLabels = 10;

export const isMetricName = (name: string): boolean => name.length <= maxNameLength && metricName.test(name);

/** `quantile` is what a histogram's own lines are told apart by. */
const isLabelName = (name: string): boolean =>
  name.length <= maxNameLength && labelName.test(name) && name !== 'quantile';

/** In order of name, undefined values left out, others cut at `maxLength` characters. Undefined: nothing that can be a label set. */
export const toLabels = (fields: LogFields, maxLength: number): Labels | undefined => {
  const names = Object.keys(fields)
    .filter((name) => fields[name] !== undefined)
    .sort();
  if (names.length > maxLabels || !names.every(isLabelName)) return undefined;
  const labels: Record<string, string> = {};
  for (const name of names) {
    const value = fields[name];
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean')
      return undefined;
    labels[name] = toWellFormed(String(value).slice(0, maxLength));
  }
  return labels;
};

export const seriesKey = (name: string, labels: Labels): string => {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? name : `${name}{${pairs.join(',')}}`;
};

/** Prometheus text format 0.0.4. */
export const escapeLabel = (value: string): string =>
  value.replace(/[\\"\n]/g, (found) => (found === '\n' ? '\\n' : `\\${found}`));

/** Half of a pair has no UTF-8: neither a file nor a message could carry it. */
const toWellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, '\ufffd');
