/**
 * A tab's components over days, in virtual time: they break as such things break, and the health monitor alone looks after
 * them. What an action does is modelled: it takes its time, it does not always help, it can hang, and some failures have
 * nothing to do with this tab (the server is away) and end by themselves. The monitor is the product's own.
 */
import { silentTelemetry } from '../../../src/core/ports/telemetry.ts';
import { err, fault, ok } from '../../../src/core/result.ts';
import { createHealthMonitor, type HealthOptions } from '../../../src/observability/health/monitor.ts';
import type { CheckReading, RecoveryAction } from '../../../src/observability/health/types.ts';
import { createSeededRandom, type SeededRandom } from '../random.ts';
import { createVirtualTime } from '../virtualTime.ts';

type Kind = {
  readonly component: string;
  readonly fault: string;
  readonly dependsOn?: readonly string[];
  /** Actions of its component that can mend it, with the chance that one try does. */
  readonly mendedBy: Readonly<Record<string, number>>;
  /** Minutes after which it ends by itself; undefined: never. */
  readonly passesAfter?: readonly [number, number];
};

/** In the order in which they are registered: a dependency before what depends on it. */
const components: Readonly<
  Record<string, { readonly actions: readonly string[]; readonly dependsOn?: readonly string[] }>
> = {
  server: { actions: ['reconnect'] },
  links: { actions: ['rebuild-link'], dependsOn: ['server'] },
  storage: { actions: ['drop-cache'] },
  engine: { actions: ['restart-worker', 'degrade-runtime'] },
  memory: { actions: ['drop-cache', 'restart-worker'] },
  ledger: { actions: ['reconnect'], dependsOn: ['server'] },
};

const kinds: readonly Kind[] = [
  { component: 'server', fault: 'its connection is dead', mendedBy: { reconnect: 0.95 } },
  { component: 'server', fault: 'the host restarts', mendedBy: {}, passesAfter: [0.5, 4] },
  { component: 'links', fault: 'a link that carries nothing', mendedBy: { 'rebuild-link': 0.85 } },
  { component: 'storage', fault: 'the disk is full of cached models', mendedBy: { 'drop-cache': 0.95 } },
  {
    component: 'engine',
    fault: 'a worker is stuck',
    mendedBy: { 'restart-worker': 0.95, 'degrade-runtime': 0.95 },
  },
  {
    component: 'engine',
    fault: 'the GPU is lost',
    mendedBy: { 'restart-worker': 0.2, 'degrade-runtime': 0.97 },
  },
  { component: 'memory', fault: 'a worker leaks', mendedBy: { 'drop-cache': 0.1, 'restart-worker': 0.95 } },
  { component: 'ledger', fault: 'its socket is dead', mendedBy: { reconnect: 0.95 } },
];
/** Nothing a tab does helps: a share of all failures, for a person. */
const hopeless = 0.015;

export type HealthOutcome = {
  readonly failures: number;
  readonly recovered: number;
  /** Seconds from the failure to being well again, of those that did so without a person. */
  readonly times: readonly number[];
  readonly unneeded: number;
};

export const runHealth = async (
  seed: number,
  { days, options = {} }: { readonly days: number; readonly options?: HealthOptions },
): Promise<HealthOutcome> => {
  const random = createSeededRandom(seed);
  const time = createVirtualTime();
  const monitor = createHealthMonitor({ ...time, telemetry: silentTelemetry }, options);
  const broken = new Map<
    string,
    { readonly kind: Kind; readonly hopeless: boolean; readonly since: number }
  >();
  const outcome = { failures: 0, recovered: 0, times: [] as number[], unneeded: 0 };
  const heal = (component: string) => {
    const failure = broken.get(component);
    if (!failure) return;
    broken.delete(component);
    outcome.recovered++;
    outcome.times.push((time.now() - failure.since) / 1_000);
  };

  for (const [component, { actions, dependsOn }] of Object.entries(components)) {
    const draws = random.fork(component);
    monitor.registerCheck({
      id: component,
      title: component,
      component,
      ...(dependsOn ? { dependsOn } : {}),
      measure: () => readingOf(isIll(component), draws),
      recovery: actions.map((id) => actionOf(id, component, draws)),
    });
  }

  function isIll(component: string): boolean {
    return broken.has(component) || (components[component]?.dependsOn ?? []).some((id) => broken.has(id));
  }

  function actionOf(id: string, component: string, draws: SeededRandom): RecoveryAction {
    return {
      id,
      title: id,
      run: (signal) =>
        new Promise((resolve) => {
          const failure = broken.get(component);
          if (!failure) outcome.unneeded++;
          // One in fifty hangs until it is ended.
          if (draws.chance(0.02))
            return signal.addEventListener('abort', () => resolve(err(fault('late', 'ended'))));
          time.timers.after(draws.between(200, 8_000) as never, () => {
            const helps = !failure?.hopeless && draws.chance(failure?.kind.mendedBy[id] ?? 0);
            if (helps && broken.get(component) === failure) heal(component);
            resolve(ok(undefined));
          });
          return undefined;
        }),
    };
  }

  const minutes = days * 24 * 60;
  for (let at = random.between(5, 60); at < minutes - 60; at += random.between(20, 120)) {
    const kind = random.pick(kinds);
    const lost = random.chance(hopeless);
    const passes = kind.passesAfter && random.between(...kind.passesAfter);
    time.timers.after((at * 60_000) as never, () => {
      if (broken.has(kind.component)) return;
      const failure = { kind, hopeless: lost, since: time.now() };
      broken.set(kind.component, failure);
      outcome.failures++;
      // A person comes in the end and mends what nothing else could; it does not count as recovered.
      const end = lost ? 600 : passes;
      if (end === undefined) return;
      time.timers.after((end * 60_000) as never, () => {
        if (broken.get(kind.component) !== failure) return;
        if (lost) broken.delete(kind.component);
        else heal(kind.component);
      });
    });
  }
  await time.runUntil(() => false, minutes * 60_000);
  monitor.close();
  return outcome;
};

/** A reading in two hundred is wrong the one way or the other: checks are not perfect either. */
const readingOf = (ill: boolean, random: SeededRandom): CheckReading => {
  const wrong = random.chance(0.005);
  return ill !== wrong ? { state: 'bad', message: 'not well' } : { state: 'ok', message: 'well' };
};
