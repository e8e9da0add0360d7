/** A storm of calls between two tabs, with telemetry in both and in neither. */
import { openTabs, type RemoteTab } from '../link/tabs.ts';
import { median } from '../suite.ts';
import { createSeededNumbers, measurePairs, type Overhead, overheadOf, type Pair } from './pairs.ts';
import type { StormTab } from './storm.ts';

/** One differs from the next by 4 to 5 % on two cores that carry three processes: 30 would say nothing about one percent. */
const pairs = { traced: 100, untraced: 50 } as const;
/** Of a slice, a trace of its own: as many as a trace has room for, and such that RPC has said all its numbers when they are over. */
const calls = 1_000;
const slices = 8;
const concurrency = 8;
const warmRounds = 16;
const kinds = { traced: true, untraced: false } as const;
type Kind = keyof typeof kinds;

export const measureRpc = async (
  seed: number,
  say: (text: string) => void,
): Promise<Readonly<Record<Kind, Overhead>>> => {
  const { tabs, close } = await openTabs<StormTab>('bench/telemetry/storm.ts');
  const [here, there] = tabs;
  const random = createSeededNumbers(seed);
  const round = async (kind: Kind, on: boolean): Promise<number> => {
    for (const tab of tabs) await tab.call('setTelemetry', on);
    return here.call('storm', { calls, concurrency, traced: kinds[kind] });
  };
  try {
    for (let i = 0; i < warmRounds; i++)
      for (const on of [true, false])
        for (const kind of ['traced', 'untraced'] as const) await round(kind, on);
    await verify(here, there, round);
    const measured = async (kind: Kind): Promise<Overhead> => {
      const times = await measurePairs(pairs[kind], random, (on) => round(kind, on), slices);
      const overhead = overheadOf(times, random);
      say(`RPC, ${kind}: ${describe(times, overhead)}`);
      return overhead;
    };
    return { traced: await measured('traced'), untraced: await measured('untraced') };
  } finally {
    await close();
  }
};

/** With telemetry every call is counted on both sides, and without it none is. */
const verify = async (
  here: RemoteTab<StormTab>,
  there: RemoteTab<StormTab>,
  round: (kind: Kind, on: boolean) => Promise<number>,
): Promise<void> => {
  for (const [on, expected] of [
    [true, calls],
    [false, 0],
  ] as const) {
    const before = [await here.call('measured'), await there.call('measured')] as const;
    await round('traced', on);
    const [caller, server] = [await here.call('measured'), await there.call('measured')];
    const counted = [caller.called - before[0].called, server.served - before[1].served];
    if (counted.some((count) => count !== expected))
      throw new Error(
        `${calls} calls with telemetry ${on ? 'on' : 'off'} were counted as ${counted.join(' and ')}`,
      );
    if (on && (caller.spans === 0 || server.spans === 0)) throw new Error('a traced round has left no span');
  }
};

const describe = (times: readonly Pair[], { percent, high }: Overhead): string =>
  `${times.length} pairs of ${slices} slices of ${calls} calls, ${median(times.map(({ off }) => off)).toFixed(0)} ms without telemetry; ${percent.toFixed(2)} % added, at most ${high.toFixed(2)} %`;
