import { tierMs } from './buckets.ts';
import type { RecentMemory } from './memory.ts';
import type { StoredView } from './storedView.ts';
import { hourMs, minuteMs, windowMs } from './window.ts';

/** Sketches are kept by the minute for so long, points as recorded for the next. */
const sketchesMs = 2 * hourMs;
const pointsMs = 30 * minuteMs;

/** Fills an empty memory with what is stored of the last three days. Rejects with StorageErrors. */
export const restore = async (
  memory: RecentMemory,
  view: StoredView,
  now: number,
  pause: () => Promise<void>,
): Promise<void> => {
  const from = Math.floor((now - windowMs) / tierMs.hour) * tierMs.hour;
  const recent = Math.floor((now - sketchesMs) / tierMs.hour) * tierMs.hour;
  for (const series of await view.series('minute', from, now)) {
    const window = memory.find(series);
    if (!window) continue;
    const isHistogram = series.kind === 'histogram';
    const read = (since: number, until: number, sketches: boolean) =>
      view.read(series.key, 'minute', since, until, { sketches });
    const minutes = [
      ...(await read(from, recent, false)),
      // What lies further ahead was written before the clock was set back.
      ...(await read(recent, now + minuteMs, isHistogram)),
    ];
    for (const bucket of minutes) window.restoreMinute(bucket, now);
    if (isHistogram)
      for (const hour of await view.read(series.key, 'hour', from, now)) window.restoreHour(hour);
    const points = isHistogram
      ? minutes.filter(({ at }) => at >= now - pointsMs)
      : await view.read(series.key, 'raw', now - pointsMs, now + minuteMs);
    for (const point of points) window.restorePoint(point);
    const oldest = points[0]?.at ?? Number.POSITIVE_INFINITY;
    if (minutes.some(({ at }) => at + minuteMs <= oldest)) window.ring.noteOlder();
    await pause();
  }
  memory.trim(now);
};
