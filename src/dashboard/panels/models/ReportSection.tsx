import { useState } from 'react';
import type { ModelsView } from '../../../app/readModels.ts';
import { saveFile } from '../../hooks/saveFile.ts';
import { useApp } from '../../hooks/useApp.ts';
import { Button } from '../../kit/Button.tsx';
import { Figure } from '../../kit/Facts.tsx';
import { formatBytes, formatCount, formatDuration } from '../../kit/format.ts';
import type { Run } from './ModelsPanel.tsx';
import { formatError, formatShape, ratioInWords, skippedByReason } from './modelWords.ts';

type Done = Extract<ModelsView['work'], { phase: 'done' }>;

const rowsAtFirst = 8;

/** What was made, in real bytes, and what each weight lost. */
export const ReportSection = ({ work, onRun }: { readonly work: Done; readonly onRun: Run }) => {
  const { commands, timers } = useApp();
  const { report, name, file } = work;
  return (
    <section className="section" aria-labelledby="report-title">
      <div className="section-head">
        <h2 id="report-title">{name}</h2>
        <div className="bar">
          <Button look="primary" icon="download" onClick={() => saveFile(timers, file, name)}>
            Download
          </Button>
          <Button icon="trash" onClick={() => onRun(commands.discardQuantized)}>
            Delete
          </Button>
        </div>
      </div>
      <div className="figures">
        <Figure label="Before" value={formatBytes(report.bytesBefore)} />
        <Figure
          label="Now"
          value={formatBytes(report.bytesAfter)}
          hint={ratioInWords(report.bytesBefore, report.bytesAfter)}
        />
        <Figure label="Made in" value={formatDuration(report.ms)} />
      </div>
      <p className="quiet small">
        It lies on this device until you delete it, open another model or close this tab: download it to keep
        it.
      </p>
      <Errors tensors={report.tensors} />
      <Skipped skipped={report.skipped} />
    </section>
  );
};

const Errors = ({ tensors }: { readonly tensors: Done['report']['tensors'] }) => {
  const [all, setAll] = useState(false);
  const shown = all ? tensors : tensors.slice(0, rowsAtFirst);
  return (
    <>
      <h3>What each weight lost</h3>
      <div className="table-scroll">
        <table className="table model-table">
          <caption className="unseen">Weights, the largest error first</caption>
          <thead>
            <tr>
              <th scope="col">Weight</th>
              <th scope="col" className="roomy">
                Shape
              </th>
              <th scope="col" className="number">
                Error
              </th>
              <th scope="col" className="number roomy">
                Before
              </th>
              <th scope="col" className="number">
                Now
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map(({ name, dims, error, bytesBefore, bytesAfter }) => (
              <tr key={name}>
                <td className="model-name">{name}</td>
                <td className="quiet roomy">{formatShape(dims)}</td>
                <td className="number">{formatError(error.relative)}</td>
                <td className="number quiet roomy">{formatBytes(bytesBefore)}</td>
                <td className="number">{formatBytes(bytesAfter)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {tensors.length > rowsAtFirst ? (
        <div>
          <Button look="plain" onClick={() => setAll(!all)} aria-expanded={all}>
            {all ? 'Show the worst only' : `Show all ${tensors.length}`}
          </Button>
        </div>
      ) : null}
    </>
  );
};

const Skipped = ({ skipped }: { readonly skipped: Done['report']['skipped'] }) => {
  if (skipped.length === 0) return null;
  return (
    <details className="model-skipped">
      <summary>{formatCount(skipped.length, 'weight stays', 'weights stay')} as they were</summary>
      <ul>
        {skippedByReason(skipped).map(({ reason, names }) => (
          <li key={reason}>
            <strong>{names.length}</strong> {reason}
            <span className="quiet small model-name">
              {names.slice(0, 6).join(', ')}
              {names.length > 6 ? ', …' : ''}
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
};
