import { useMemo, useRef, useState } from 'react';
import { lineLook } from '../../../charts/lines.ts';
import { TimeChart } from '../../../charts/TimeChart.tsx';
import { useSize } from '../../../hooks/useSize.ts';
import { IconButton } from '../../../kit/Button.tsx';
import { Segmented } from '../../../kit/Field.tsx';
import { type ChartSpec, type ChartWindow, formatOf, type HistogramShow, partsOf } from './chartModel.ts';
import { useChart } from './useChart.ts';

const shows: readonly { readonly value: HistogramShow; readonly label: string; readonly name: string }[] = [
  { value: 'percentiles', label: 'All', name: 'Half, 95 and 99 of 100' },
  { value: 'p50', label: 'p50', name: 'Half were faster or smaller' },
  { value: 'p95', label: 'p95', name: '95 of 100 were' },
  { value: 'p99', label: 'p99', name: '99 of 100 were' },
  { value: 'mean', label: 'Mean', name: 'Mean' },
  { value: 'rate', label: 'Per s', name: 'How many per second' },
];
export const ChartCard = ({
  spec,
  window,
  onSelect,
  onRemove,
}: {
  readonly spec: ChartSpec;
  readonly window: ChartWindow;
  readonly onSelect: (fromSeconds: number, toSeconds: number) => void;
  readonly onRemove?: () => void;
}) => {
  const box = useRef<HTMLDivElement>(null);
  const pixels = useSize(box)?.width ?? 0;
  const [show, setShow] = useState<HistogramShow>(spec.series.length > 1 ? 'p95' : 'percentiles');
  const keys = spec.series.map(({ key }) => key).join('\n');
  // biome-ignore lint/correctness/useExhaustiveDependencies: `keys` stands for the series: their counts of points change with every sample
  const parts = useMemo(() => partsOf(spec, show), [keys, spec.id, show]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: as above
  const format = useMemo(() => formatOf(spec, show), [spec.kind, spec.unit, show]);
  const { phase, data, range, error } = useChart(parts, window, pixels);
  const lines = useMemo(
    () =>
      parts.map((part, index) => ({
        key: `${part.show} ${part.key}`,
        label: part.label,
        values: data.columns[index] ?? [],
        ...lineLook(index),
      })),
    [parts, data],
  );
  const empty = phase !== 'loading' && lines.every(({ values }) => values.every((value) => value == null));
  return (
    <section className="chart-card" ref={box} aria-label={spec.title} aria-busy={phase === 'loading'}>
      <TimeChart
        title={spec.title}
        time={data.time}
        lines={lines}
        format={format}
        height={180}
        range={range}
        onSelect={onSelect}
      />
      <div className="chart-foot">
        {spec.kind === 'histogram' ? (
          <Segmented
            label={`What is shown of ${spec.title}`}
            value={show}
            onChange={setShow}
            options={shows}
          />
        ) : null}
        <p className="small quiet">
          {error ? (
            <span className="field-error" role="alert">
              This could not be read: {error}
            </span>
          ) : empty ? (
            'Nothing was measured in this time.'
          ) : (
            spec.help
          )}
        </p>
        {onRemove ? <IconButton icon="close" label={`Take ${spec.title} away`} onClick={onRemove} /> : null}
      </div>
    </section>
  );
};
