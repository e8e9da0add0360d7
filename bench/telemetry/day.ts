/** A day of 200 series, a point every ten seconds: what it leaves on the disk and in memory, by the keeper's own count. */
import { runLoad } from '../../tests/simulation/analytics/load.ts';

const load = { hours: 24, counters: 120, gauges: 60, histograms: 20 };

export const measureDay = async (say: (text: string) => void) => {
  const { storedBytes, memoryBytes, counted, summed } = await runLoad(load);
  if (summed !== counted) throw new Error(`after a day a counter of ${counted} sums to ${summed}`);
  const numbers = { storage_24h_mb: inMebibytes(storedBytes), memory_24h_mb: inMebibytes(memoryBytes) };
  say(`a day of 200 series: ${numbers.storage_24h_mb} MiB stored, ${numbers.memory_24h_mb} MiB in memory`);
  return numbers;
};

const inMebibytes = (bytes: number): number => Math.round((100 * bytes) / 2 ** 20) / 100;
