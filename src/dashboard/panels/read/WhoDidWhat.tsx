import type { JobView } from '../../../app/readModels.ts';
import { useApp, useStore } from '../../hooks/useApp.ts';
import { formatCount, formatCredits } from '../../kit/format.ts';
import { PeerName } from '../../kit/Lantern.tsx';
import type { Highlight } from './JobScreen.tsx';

export const WhoDidWhat = ({
  job,
  highlight,
  onHighlight,
}: {
  readonly job: JobView;
  readonly highlight: Highlight;
  readonly onHighlight: (highlight: Highlight) => void;
}) => {
  const { models } = useApp();
  const self = useStore(models.self);
  const workers = [...job.workers].sort((a, b) => b.tasks - a.tasks);
  return (
    <section className="section" aria-labelledby="who-title">
      <h2 id="who-title">Who did what</h2>
      {workers.length === 0 ? (
        <p className="quiet">Nobody took a task yet.</p>
      ) : (
        <div className="table-scroll">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Device</th>
                <th scope="col" className="number">
                  Tasks
                </th>
                <th scope="col" className="number">
                  Lines
                </th>
                <th scope="col" className="number">
                  Credits
                </th>
                <th scope="col">Taken back</th>
              </tr>
            </thead>
            <tbody>
              {workers.map((worker) => (
                <tr
                  key={worker.peer}
                  onPointerEnter={() => onHighlight({ line: undefined, peer: worker.peer })}
                  onPointerLeave={() => onHighlight({ line: undefined, peer: undefined })}
                >
                  <td>
                    <button
                      type="button"
                      className="row-link"
                      aria-pressed={highlight.peer === worker.peer}
                      title="Show what it read"
                      onFocus={() => onHighlight({ line: undefined, peer: worker.peer })}
                      onBlur={() => onHighlight({ line: undefined, peer: undefined })}
                    >
                      <PeerName
                        peer={worker.peer}
                        name={worker.name}
                        note={worker.peer === self.peer ? 'this device' : undefined}
                      />
                    </button>
                  </td>
                  <td className="number">{worker.tasks}</td>
                  <td className="number">{worker.lines}</td>
                  <td className="number">{formatCredits(worker.milliCredits)}</td>
                  <td className="quiet">{lostInWords(worker.lost, worker.wrong)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
};

const lostInWords = (lost: number, wrong: number): string => {
  if (lost === 0 && wrong === 0) return 'none';
  const parts = [];
  if (lost > 0) parts.push(formatCount(lost, 'task'));
  if (wrong > 0) parts.push(formatCount(wrong, 'wrong answer'));
  return parts.join(', ');
};
