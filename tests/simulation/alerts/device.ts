import type { SeededRandom } from '../random.ts';
import type { Fault, FaultName } from './faults.ts';
import type { Series } from './series.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
export const sampleMs = 5_000;
/** Seconds of a step. */
const elapsed = sampleMs / 1_000;

/** When the device is not simply running: in true time, drawn for a whole run. */
export type Calendar = {
  readonly sleeps: readonly Span[];
  /** The tab is hidden and the browser slows it: a sample a minute. */
  readonly hidden: readonly Span[];
  /** The host is deployed anew: what goes through it fails for some seconds. */
  readonly restarts: readonly Span[];
  /** Seconds in which a part of everything fails, as happens. */
  readonly blips: readonly Span[];
  readonly bursts: readonly Span[];
  /** A check of health that is bad for some seconds and comes back. */
  readonly hiccups: readonly Span[];
  /** The clock is set: from then on it differs by so much more. */
  readonly jumps: readonly { readonly at: number; readonly by: number }[];
};
export type Span = { readonly from: number; readonly until: number; readonly share: number };

/** A realistic month. Nothing of it begins within an hour of a fault, so that what is found is found of the fault. */
export const drawCalendar = (random: SeededRandom, days: number, faults: readonly Fault[]): Calendar => {
  const isQuiet = ({ from, until }: { readonly from: number; readonly until: number }) =>
    faults.every((fault) => until < fault.from - hour || from > fault.until + hour);
  const draw = (label: string, perDay: number, lasts: readonly [number, number]): readonly Span[] => {
    const own = random.fork(label);
    const spans: Span[] = [];
    const [shortest, longest] = lasts;
    for (let at = own.between(0, day / perDay) + 10 * minute; at < days * day; ) {
      const span = { from: at, until: at + own.between(shortest, longest), share: own.next() };
      if (isQuiet(span)) spans.push(span);
      at = span.until - Math.log(1 - own.next()) * (day / perDay);
    }
    return spans;
  };
  return {
    sleeps: draw('sleeps', 0.7, [5 * minute, 9 * hour]),
    hidden: draw('hidden', 3, [5 * minute, 2 * hour]),
    restarts: draw('restarts', 1, [5_000, 15_000]),
    blips: draw('blips', 3, [5_000, 15_000]),
    bursts: draw('bursts', 5, [5 * minute, 20 * minute]),
    hiccups: draw('hiccups', 4, [15_000, 3 * minute]),
    jumps: draw('jumps', 0.4, [1, 2]).map(({ from, share }) => ({
      at: from,
      by: share < 0.5 ? -Math.round(2 * share * 3 * hour) : Math.round((share - 0.5) * 2 * hour),
    })),
  };
};

/** A cursor over spans in order of time: whether one is on. */
const createCursor = (spans: readonly Span[]) => {
  let position = 0;
  return (now: number): Span | undefined => {
    while ((spans[position]?.until ?? Number.POSITIVE_INFINITY) <= now) position++;
    const span = spans[position];
    return span && span.from <= now ? span : undefined;
  };
};

/**
 * A busy device that serves a swarm: what it would measure of itself, sample by sample. Load follows the day; rates, latencies and
 * errors are drawn, with tails. Doesn't know any rule.
 */
export const createDevice = (
  random: SeededRandom,
  calendar: Calendar,
  faults: readonly Fault[],
  series: Series,
) => {
  const restarting = createCursor(calendar.restarts);
  const blip = createCursor(calendar.blips);
  const burst = createCursor(calendar.bursts);
  const faulty = createCursor(faults.map((fault) => ({ ...fault })));
  let links = 8;
  let [height, nextBlockAt, behind] = [0, 0, 0];
  let memory = 400;
  let storage = 0.4;
  let crashAt = Number.POSITIVE_INFINITY;
  let wokeAt = Number.NEGATIVE_INFINITY;
  const faultAt = (now: number): Fault | undefined => {
    const span = faulty(now);
    return span && faults.find(({ from }) => from === span.from);
  };

  const traffic = (now: number, name: FaultName | undefined, share: number) => {
    const daylight = 0.5 - 0.5 * Math.cos((2 * Math.PI * (now % day)) / day);
    const load = (0.35 + 0.65 * daylight) * (burst(now) ? 2.5 : 1) * random.between(0.9, 1.1);
    const waking = now - wokeAt < 30_000;
    const broken = restarting(now) ? 1 : (blip(now)?.share ?? 0) * 0.5;
    const own = name === 'total-outage' ? 1 : name === 'partial-errors' ? 0.05 : 0;
    const errors = (usual: number) => Math.min(1, usual + broken + own + (waking ? 0.9 : 0));
    const slower = name === 'slow-rpc' ? 6 + 6 * share : 1;
    const busy = 1 + 0.3 * daylight + (burst(now) ? 0.3 : 0);
    const reach = name === 'link-loss' ? 0.02 : 1;
    split('inference_jobs_total', poisson(random, 4.5 * load * elapsed), errors(0.0002), (key, count) =>
      series.add(key.replace('ok', 'done'), count),
    );
    for (const [method, rate, seconds] of [
      ['infer', 5, 0.4],
      ['read', 8, 0.06],
    ] as const)
      split(`rpc_seconds`, poisson(random, rate * load * reach * elapsed), errors(0.0008), (key, count) =>
        series.observe(
          key.replace('{', `{method="${method}",`),
          count,
          latency(seconds * busy * slower, count),
        ),
      );
    series.observe(
      'inference_job_seconds',
      poisson(random, 2 * load * elapsed),
      latency(1.5 * busy * (1 + (slower - 1) / 2), 4),
    );
    split(
      'worker_call_seconds',
      poisson(random, 6 * load * elapsed),
      name === 'worker-crash-loop' ? 0.2 : 0.001,
      (key, count) => series.observe(key.replace('{', '{pool="ocr",'), count, latency(0.3 * busy, count)),
    );
    const submits = name === 'keeper-silent' ? 0.3 + 0.7 * share : 0.004;
    split(
      'ledger_submit_seconds',
      poisson(random, (9 / 3_600) * elapsed),
      Math.min(1, submits + (restarting(now) ? 1 : 0)),
      (key, count) => series.observe(key, count, latency(0.8, count)),
    );
  };
  const split = (
    metric: string,
    count: number,
    errors: number,
    put: (key: string, count: number) => void,
  ) => {
    const failed = binomial(random, count, errors);
    put(`${metric}{outcome="ok"}`, count - failed);
    put(`${metric}{outcome="failed"}`, failed);
  };
  /** The mean of so many: log-normal, and one in a hundred takes twenty times as long. */
  const latency = (seconds: number, count: number): number =>
    seconds *
    Math.exp(normal(random) * (0.6 / Math.sqrt(Math.max(1, count)))) *
    (1 + (20 * binomial(random, count, 0.01)) / Math.max(1, count));

  const machine = (now: number, name: FaultName | undefined, fault: Fault | undefined, hidden: boolean) => {
    const into = fault ? (now - fault.from) / hour : 0;
    const share = fault?.share ?? 0;
    // Peers come and go about a number that follows the day.
    const usual = 8 - 2 * Math.cos((2 * Math.PI * (now % day)) / day);
    links = Math.max(2, links + (usual - links) * 0.01 + normal(random) * 0.15);
    const open = name === 'link-loss' ? Math.round(share) : now - wokeAt < 20_000 ? 0 : Math.round(links);
    series.set('mesh_links{state="open"}', open);
    series.set(
      'signaling_connected',
      restarting(now) || name === 'host-lost' || now - wokeAt < 10_000 ? 0 : 1,
    );
    memory = Math.max(350, memory + normal(random) * 8 + (random.chance(0.01) ? -(memory - 400) * 0.7 : 0.4));
    series.set('inference_tasks_running', 1);
    series.set(
      'memory_bytes',
      (memory + (name === 'memory-leak' ? into * (500 + 500 * share) : 0)) * 2 ** 20,
    );
    storage = Math.min(0.6, Math.max(0.3, storage + normal(random) * 0.0005));
    series.set(
      'storage_used_ratio',
      name === 'storage-filling' ? Math.min(0.86 + 0.13 * share, storage + into * 0.6) : storage,
    );
    const lag = Math.abs(normal(random)) * 0.01 + (random.chance(0.01) ? random.between(0.1, 0.6) : 0.002);
    // Where a tab is hidden, nobody waits for its page: it is not measured.
    if (!hidden)
      series.set(
        'main_thread_lag_seconds',
        name === 'main-thread-blocked' ? random.between(0.15, 1 + share) : lag,
      );
    series.add('workers_crashed_total{pool="ocr"}', random.chance((3 * elapsed) / 86_400) ? 1 : 0);
    series.add('gpu_lost_total', random.chance((0.3 * elapsed) / 86_400) ? 1 : 0);
    const loop =
      name === 'worker-crash-loop'
        ? 20 + 40 * share
        : name === 'gpu-loss-loop'
          ? 60 + 120 * share
          : undefined;
    if (loop === undefined) crashAt = Number.POSITIVE_INFINITY;
    else if (now >= crashAt || crashAt === Number.POSITIVE_INFINITY) {
      series.add(name === 'gpu-loss-loop' ? 'gpu_lost_total' : 'workers_crashed_total{pool="ocr"}', 1);
      crashAt = now + loop * 1_000;
    }
    series.add('telemetry_dropped_total{reason="cardinality"}', random.chance(0.02) ? random.int(20) : 0);
    series.add('model_files_damaged_total', 0);
  };

  /** An epoch of ten minutes, now and then some minutes late. */
  const ledger = (now: number, name: FaultName | undefined) => {
    if (name === 'keeper-silent') nextBlockAt = Math.max(nextBlockAt, now + 600_000);
    while (now >= nextBlockAt) {
      if (nextBlockAt > 0) behind++;
      nextBlockAt = (nextBlockAt || now) + 600_000 + (random.chance(0.05) ? random.between(0, 480_000) : 0);
    }
    const taken = now - wokeAt < 10_000 ? 0 : Math.min(behind, 4);
    behind -= taken;
    height += taken;
    series.set('ledger_height', height);
    series.set('ledger_behind_blocks', behind);
  };

  return {
    faultAt,
    woke(now: number): void {
      wokeAt = now;
    },
    /** What happens within one step of true time. */
    step(now: number, hidden: boolean): void {
      const fault = faultAt(now);
      traffic(now, fault?.name, fault?.share ?? 0);
      machine(now, fault?.name, fault, hidden);
      ledger(now, fault?.name);
    },
    /** `wall`: what the clock says. */
    sample(now: number, wall: number): void {
      if (faultAt(now)?.name === 'telemetry-silence') series.lose();
      else series.commit(wall);
    },
  };
};

const normal = (random: SeededRandom): number =>
  Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());

/** Knuth's for small means, the normal approximation above. */
const poisson = (random: SeededRandom, mean: number): number => {
  if (mean > 30) return Math.max(0, Math.round(mean + normal(random) * Math.sqrt(mean)));
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = random.next(); product > limit; product *= random.next()) count++;
  return count;
};

const binomial = (random: SeededRandom, count: number, probability: number): number => {
  if (probability <= 0 || count === 0) return 0;
  if (probability >= 1) return count;
  if (count * probability < 0.5 && random.next() < (1 - probability) ** count) return 0;
  let hits = count * probability < 0.5 ? 1 : 0;
  if (hits === 1) return hits; // two of so few are rarer than matters here
  for (let each = 0; each < count; each++) if (random.chance(probability)) hits++;
  return hits;
};
