import * as v from 'valibot';
import type { LogFields } from '../../core/ports/telemetry.ts';
import { isMetricName, seriesKey, toLabels } from '../metrics/labels.ts';
import type { Labels, MetricKind } from '../metrics/types.ts';
import type { Tier } from './types.ts';

export type SeriesIdentity = {
  readonly key: string;
  readonly name: string;
  readonly labels: Labels;
  readonly kind: MetricKind;
};

/** Of what may know more: nothing else is kept or written. */
export const identityOf = ({ key, name, labels, kind }: SeriesIdentity): SeriesIdentity => ({
  key,
  name,
  labels,
  kind,
});

/** The buckets of one series in one tier, packed by `encodeBlock`. What segments, chunks and files are made of. */
export type Row = SeriesIdentity & { readonly tier: Tier; readonly block: Uint8Array };

const maxLabelLength = 100;
export const kinds = ['counter', 'gauge', 'histogram'] as const satisfies readonly MetricKind[];
export const tiers = ['raw', 'minute', 'hour'] as const satisfies readonly Tier[];

/** Undefined: no name or label set that a metric can have. */
export const identify = (
  name: string,
  kind: MetricKind,
  fields: LogFields = {},
): SeriesIdentity | undefined => {
  const labels = isMetricName(name) ? toLabels(fields, maxLabelLength) : undefined;
  return labels && { key: seriesKey(name, labels), name, labels, kind };
};

export const identitySchema = {
  name: v.pipe(v.string(), v.maxLength(200)),
  labels: v.record(v.pipe(v.string(), v.maxLength(200)), v.pipe(v.string(), v.maxLength(200))),
  kind: v.picklist(kinds),
};
/** The key of what was read is computed again, never believed. */
export const withKey = <Read extends { readonly name: string; readonly labels: Labels }>(read: Read) => ({
  ...read,
  key: seriesKey(read.name, read.labels),
});
/** A row as it lies in the store or in a file. */
export const rowSchema = v.pipe(
  v.object({ ...identitySchema, tier: v.picklist(tiers), block: v.instance(Uint8Array) }),
  v.transform(withKey),
);
