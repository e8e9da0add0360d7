import type { SwarmMetric } from '../../../../app/telemetryView.ts';
import { useApp, useStore } from '../../../hooks/useApp.ts';
import { useNow } from '../../../hooks/useNow.ts';
import { formatAgo, formatCount, formatInteger } from '../../../kit/format.ts';
import { formatMeasured, unitOfName } from '../../../kit/units.ts';
import { peersOf } from './swarmModel.ts';

/** Distributions of the swarm, and of one device beside them. */
export const PeersSection = ({
  peer,
  onChange,
}: {
  readonly peer: string | undefined;
  readonly onChange: (peer: string | undefined) => void;
}) => {
  const { models } = useApp();
  const metrics = useStore(models.telemetry.swarmMetrics);
  const { shareMetrics } = useStore(models.telemetry.settings);
  const { wall } = useNow(10_000);
  const peers = peersOf(metrics);
  const chosen = peers.find((entry) => entry.peer === peer);
  return (
    <section className="section" aria-labelledby="peers-title">
      <div className="section-head">
        <h2 id="peers-title">Device by device</h2>
        {peers.length > 0 ? (
          <select
            className="input"
            aria-label="Device"
            value={chosen?.peer ?? ''}
            onChange={(event) => onChange(event.currentTarget.value || undefined)}
          >
            <option value="">All devices together</option>
            {peers.map((entry) => (
              <option key={entry.peer} value={entry.peer}>
                {entry.name}
              </option>
            ))}
          </select>
        ) : null}
      </div>
      {metrics.length === 0 ? (
        <p className="quiet prose">
          No device here shares its figures{shareMetrics ? ' but this one' : '. Yours are not shared either'}:
          who does is seen here, and can be compared with all others.
        </p>
      ) : (
        <>
          <p className="quiet prose">
            {chosen
              ? `${chosen.name}, told ${formatAgo(wall - chosen.at)}, beside all together.`
              : peers.length < 2
                ? 'Only this device’s figures are here. Others show up when their people switch on “Share distributions with the swarm”.'
                : `${formatCount(peers.length, 'device')} tell their figures. Choose one to see it beside all.`}
          </p>
          <div className="table-scroll">
            <table className="table distributions">
              <thead>
                <tr>
                  <th scope="col">What</th>
                  <th scope="col">Who</th>
                  <th scope="col" className="number">
                    p50
                  </th>
                  <th scope="col" className="number">
                    p95
                  </th>
                  <th scope="col" className="number">
                    p99
                  </th>
                  <th scope="col" className="number roomy">
                    Longest
                  </th>
                  <th scope="col" className="number roomy">
                    Samples
                  </th>
                </tr>
              </thead>
              {metrics.map((metric) => (
                <MetricRows key={metric.name} metric={metric} peer={chosen} />
              ))}
            </table>
          </div>
        </>
      )}
    </section>
  );
};

const MetricRows = ({
  metric,
  peer,
}: {
  readonly metric: SwarmMetric;
  readonly peer: { readonly peer: string; readonly name: string } | undefined;
}) => {
  const unit = metric.description?.unit ?? unitOfName(metric.name);
  const own = peer && metric.peers.find((entry) => entry.peer === peer.peer);
  const rows = [
    ...(peer ? [{ who: peer.name, measured: own?.measured }] : []),
    { who: 'All', measured: metric.together },
  ];
  return (
    <tbody>
      {rows.map(({ who, measured }, index) => (
        <tr key={who}>
          {index === 0 ? (
            <th scope="rowgroup" rowSpan={rows.length} title={metric.name}>
              {metric.description?.help ?? metric.name}
            </th>
          ) : null}
          <td>{who}</td>
          {(['p50', 'p95', 'p99', 'max'] as const).map((key) => (
            <td key={key} className={key === 'max' ? 'number roomy' : 'number'}>
              {measured ? formatMeasured(measured[key], unit) : '–'}
            </td>
          ))}
          <td className="number roomy">{measured ? formatInteger(measured.count) : '–'}</td>
        </tr>
      ))}
    </tbody>
  );
};
