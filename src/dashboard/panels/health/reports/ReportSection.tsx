import { useState } from 'react';
import type { ReportFormat } from '../../../../app/telemetryView.ts';
import { ok } from '../../../../core/result.ts';
import { saveBytes } from '../../../hooks/saveFile.ts';
import { useAct } from '../../../hooks/useAct.ts';
import { useApp, useStore } from '../../../hooks/useApp.ts';
import { Button } from '../../../kit/Button.tsx';
import { Field } from '../../../kit/Field.tsx';
import { Notice } from '../../../kit/Notice.tsx';
import { spans } from '../charts/chartModel.ts';
import { reportFormats } from './reportWords.ts';

const day = 86_400_000;
const ranges = [
  ...spans.slice(1).map(({ spanMs, label }) => ({ spanMs, label: `The last ${label}` })),
  { spanMs: 30 * day, label: 'The last 30 d' },
] as const;

export const ReportSection = () => {
  const { models, commands, clock, timers } = useApp();
  const series = useStore(models.telemetry.series);
  const [format, setFormat] = useState<ReportFormat>('summary');
  const [spanMs, setSpanMs] = useState(day);
  const { busy, error, act } = useAct();
  const chosen = reportFormats.find(({ value }) => value === format);
  const download = () => {
    const to = clock.now();
    return act(async () => {
      const file = await commands.report(format, to - spanMs, to);
      if (!file.ok) return file;
      saveBytes(timers, file.value);
      return ok(undefined);
    });
  };
  const csv = () => {
    const to = clock.now();
    return act(async () => {
      const file = await commands.exportCsv(
        series.map(({ key }) => key),
        to - spanMs,
        to,
      );
      if (!file.ok) return file;
      saveBytes(timers, file.value);
      return ok(undefined);
    });
  };
  return (
    <section className="section" aria-labelledby="report-title">
      <h2 id="report-title">Report</h2>
      <div className="form-row">
        <Field label="Of">
          {(ids) => (
            <select
              {...ids}
              className="input"
              value={spanMs}
              onChange={(event) => setSpanMs(Number(event.currentTarget.value))}
            >
              {ranges.map((range) => (
                <option key={range.label} value={range.spanMs}>
                  {range.label}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field label="As">
          {(ids) => (
            <select
              {...ids}
              className="input"
              value={format}
              onChange={(event) => {
                const next = reportFormats.find(({ value }) => value === event.currentTarget.value);
                if (next) setFormat(next.value);
              }}
            >
              {reportFormats.map(({ value, label }) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </select>
          )}
        </Field>
      </div>
      <p className="small quiet">{chosen?.hint}</p>
      {error ? (
        <Notice tone="bad" title="No report was made.">
          {error}
        </Notice>
      ) : null}
      <div className="bar">
        <Button
          look="primary"
          icon="download"
          onClick={() => void download()}
          disabled={busy || series.length === 0}
        >
          {busy ? 'Writing…' : 'Download report'}
        </Button>
        <Button icon="download" onClick={() => void csv()} disabled={busy || series.length === 0}>
          Every series as CSV
        </Button>
      </div>
      {series.length === 0 ? (
        <p className="small quiet">Nothing was measured yet: there is nothing to report.</p>
      ) : null}
    </section>
  );
};
