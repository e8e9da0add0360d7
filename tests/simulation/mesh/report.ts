/** `npm run sim -- mesh`: all scenes at one size, as one line of numbers, each beside its goal. */
import { churn, crash, hostile, large, lossy, partition, slow, steady } from './scenarios.ts';

type Figure = { readonly key: string; readonly value: number; readonly goal?: string; readonly met: boolean };

const atLeast = (key: string, value: number, goal: number): Figure => ({
  key,
  value,
  goal: `≥ ${goal}`,
  met: value >= goal,
});
const below = (key: string, value: number, goal: number): Figure => ({
  key,
  value,
  goal: `< ${goal}`,
  met: value < goal,
});

const crashes = [
  { share: 0.3, goal: 0.999 },
  { share: 0.5, goal: 0.99 },
  { share: 0.8, goal: 0.95 },
] as const;

export const scenes: Readonly<Record<string, (seed: number, size: number) => readonly Figure[]>> = {
  steady(seed, size) {
    const { delivered, p99_ms, rmr, rmr_many, announcements, connected, handshakes } = steady(seed, size);
    return [
      atLeast('delivered', delivered, 1),
      below('p99_ms', p99_ms, 1_000),
      below('rmr', rmr, 0.3),
      below('rmr_many', rmr_many, 1),
      // Beside the tree, where each link of seven would carry one if both sides spoke at once.
      below('announcements_per_node', announcements, 4),
      atLeast('connected', connected, 1),
      // Each is a WebRTC connection: an overlay that never rests would cost tabs more than their work.
      below('handshakes_per_node_minute', handshakes, 1),
    ];
  },
  crash: (seed, size) =>
    crashes.flatMap(({ share, goal }) => {
      const percent = share * 100;
      const { within30s, eventually, connected } = crash(seed, size, share);
      return [
        atLeast(
          share === 0.8 ? 'delivered_after_crash' : `delivered_after_crash_${percent}`,
          within30s,
          goal,
        ),
        atLeast(`eventually_after_crash_${percent}`, eventually, 1),
        atLeast(`connected_after_crash_${percent}`, connected, 1),
      ];
    }),
  churn(seed, size) {
    const { connected, delivered } = churn(seed, size);
    return [atLeast('connected_after_churn', connected, 1), atLeast('delivered_after_churn', delivered, 1)];
  },
  partition(seed, size) {
    const { within, connectedDuring, connected, delivered } = partition(seed, size);
    return [
      atLeast('delivered_inside_partition', within, 1),
      below('connected_during_partition', connectedDuring, 1),
      atLeast('connected_after_partition', connected, 1),
      atLeast('delivered_after_partition', delivered, 1),
    ];
  },
  hostile(seed, size) {
    const { delivered, connected, eclipsed, forged } = hostile(seed, size);
    return [
      atLeast('delivered_among_hostile', delivered, 0.99),
      atLeast('connected_among_hostile', connected, 1),
      below('eclipsed', eclipsed, 1),
      below('forged_delivered', forged, 1),
    ];
  },
  slow(seed, size) {
    const { delivered, p50_ms, p99_ms, p99_of_slow_ms, rmr, connected } = slow(seed, size);
    return [
      atLeast('delivered_with_slow', delivered, 1),
      { key: 'p50_with_slow_ms', value: p50_ms, met: true },
      below('p99_with_slow_ms', p99_ms, 1_000),
      { key: 'p99_of_slow_ms', value: p99_of_slow_ms, met: true },
      below('rmr_with_slow', rmr, 1),
      atLeast('connected_with_slow', connected, 1),
    ];
  },
  loss(seed, size) {
    const { delivered, p99_ms, rmr, broken, connected } = lossy(seed, size);
    return [
      atLeast('delivered_with_loss', delivered, 1),
      below('p99_with_loss_ms', p99_ms, 2_000),
      below('rmr_with_loss', rmr, 1),
      { key: 'links_lost', value: broken, met: true },
      atLeast('connected_with_loss', connected, 1),
    ];
  },
  large(seed, size) {
    const { delivered, p99_ms, frames } = large(seed, size);
    return [
      atLeast('delivered_large', delivered, 1),
      { key: 'p99_ms_large', value: p99_ms, met: true },
      { key: 'frames_large', value: frames, met: true },
    ];
  },
};

/** Prints as it goes; the last line is one JSON object. True if every goal was met. */
export const reportMesh = (
  options: { readonly seed: number; readonly size: number; readonly only: readonly string[] },
  effects: { print(line: string): void; seconds(): number },
): boolean => {
  const figures: Record<string, number> = {};
  let met = true;
  const started = effects.seconds();
  effects.print(`mesh: seed ${options.seed}, ${options.size} nodes`);
  for (const name of options.only) {
    const scene = scenes[name];
    if (!scene) throw new Error(`unknown scene ${name}: there are ${Object.keys(scenes).join(', ')}`);
    for (const figure of scene(options.seed, options.size)) {
      const value = Math.round(figure.value * 100_000) / 100_000;
      figures[figure.key] = value;
      met &&= figure.met;
      effects.print(
        `${figure.key.padEnd(28)} ${String(value).padStart(10)}  ${figure.goal ?? ''}${figure.met ? '' : '  MISSED'}`,
      );
    }
  }
  figures['wall_s'] = Math.round((effects.seconds() - started) * 10) / 10;
  effects.print(JSON.stringify({ ok: met, seed: options.seed, nodes: options.size, ...figures }));
  return met;
};
