import { milliseconds } from '../core/brand.ts';
import { createStore, type Store } from '../core/events.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Timers } from '../core/ports/timers.ts';
import type { InferenceMetrics, JobView } from '../inference/contracts.ts';
import { appendSample, emptySeries } from '../observability/index.ts';
import type { PeerView, SeriesView } from './readModels.ts';

const keptSamples = 600;
const columns = [
  'peers',
  'linesPerMinute',
  'tasksRunning',
  'bytesInPerSecond',
  'bytesOutPerSecond',
  'rttMs',
] as const;

/** One sample a second of what the live charts show. */
export const createSampler = (deps: {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly peers: () => readonly PeerView[];
  readonly jobs: () => readonly JobView[];
  readonly metrics: () => InferenceMetrics;
}): { readonly series: Store<SeriesView>; close(): void } => {
  const series = createStore<SeriesView>(emptySeries(columns));
  let before = { received: 0, sent: 0, at: deps.clock.monotonic() };
  const lineCounts: number[] = [];

  const sample = () => {
    const peers = deps.peers();
    const now = {
      received: sum(peers, 'bytesReceived'),
      sent: sum(peers, 'bytesSent'),
      at: deps.clock.monotonic(),
    };
    const seconds = Math.max(0.001, (now.at - before.at) / 1_000);
    const rtts = peers.flatMap(({ rtt }) => (rtt === undefined ? [] : [rtt]));
    lineCounts.push(countLines(deps.jobs()));
    if (lineCounts.length > 61) lineCounts.shift();
    series.set(
      appendSample(
        series.get(),
        Math.round(deps.clock.now() / 1_000),
        {
          peers: peers.length,
          // Jobs that were removed take their lines with them; that is not negative reading.
          linesPerMinute: Math.max(0, (lineCounts.at(-1) ?? 0) - (lineCounts[0] ?? 0)),
          tasksRunning: deps.metrics().tasksRunning,
          bytesInPerSecond: Math.max(0, Math.round((now.received - before.received) / seconds)),
          bytesOutPerSecond: Math.max(0, Math.round((now.sent - before.sent) / seconds)),
          rttMs: rtts.length === 0 ? null : rtts.reduce((total, rtt) => total + rtt, 0) / rtts.length,
        },
        keptSamples,
      ),
    );
    before = now;
  };
  return { series, close: deps.timers.every(milliseconds(1_000), sample) };
};

const sum = (peers: readonly PeerView[], key: 'bytesReceived' | 'bytesSent'): number =>
  peers.reduce((total, peer) => total + peer[key], 0);

const countLines = (jobs: readonly JobView[]): number =>
  jobs.reduce((total, job) => total + job.pages.reduce((lines, page) => lines + page.lines.length, 0), 0);
