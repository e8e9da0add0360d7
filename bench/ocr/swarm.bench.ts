import { runSwarm, type SwarmReport } from '../../scripts/lib/swarm.ts';
import { root } from '../../scripts/lib/village.ts';
import { type BenchOptions, type BenchResult, median } from '../suite.ts';

export const limits = { swarm_overhead: 1.15 };

const tabs = 3;
const rounds = 3;
const pages = ['clean-letter', 'clean-novel', 'clean-poem', 'clean-code'];
const files = pages.map((name) => `${root}bench/ocr/corpus/${name}.png`);

/**
 * What working together costs: the time of three tabs over that of one tab with as many workers × threads in all, models
 * warm, on the same machine. The rounds alternate, so that a busy minute hits both.
 */
export const run = async ({ say }: BenchOptions): Promise<BenchResult> => {
  const together: number[] = [];
  const alone: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    const swarm = await runSwarm({ tabs, files, warmUp: files.slice(0, 1) });
    const single = await runSwarm({ tabs: 1, workersPerTab: tabs, files, warmUp: files.slice(0, 1) });
    verify(swarm, single);
    together.push(swarm.wallMs);
    alone.push(single.wallMs);
    say(`round ${round}: ${tabs} tabs ${seconds(swarm.wallMs)}, one tab ${seconds(single.wallMs)}`);
  }
  return { swarm_overhead: Math.round((median(together) / median(alone)) * 1000) / 1000 };
};

/** A swarm that reads something else, or one tab that reads nothing, has no time worth comparing. */
const verify = (swarm: SwarmReport, single: SwarmReport): void => {
  for (const report of [swarm, single])
    if (!report.ok) throw new Error(`the job went wrong: ${report.problems.join('; ')}`);
  for (const [index, page] of swarm.files.entries())
    if (page.text !== single.files[index]?.text)
      throw new Error(`${page.file} was read differently by one tab`);
};

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
