/**
 * The frameworks at one task. Each way to run each framework first shows that it computes the same; then every framework's
 * fastest way is timed, and jax-js's documented one beside it, by turns, so that all meet the same machine.
 */
import { median } from '../suite.ts';
import { type TaskName, unrollOf } from './tasks.ts';
import { documentedVariant, type Framework, type Run, variantsOf } from './trainer.ts';
import type { openWorkers, RemoteTrainer } from './workers.ts';

export type Workers = Awaited<ReturnType<typeof openWorkers>>;
export type Say = (text: string) => void;

/** A framework in one of its ways, and the milliseconds of its step. */
export type Timed = { readonly framework: Framework; readonly variant: string; readonly ms: number };

const frameworks: readonly Framework[] = ['ours', 'jax', 'tfjs'];
const tolerance = 1e-3;
/** The first of them before any update. */
const verifiedSteps = 2;
/** Compilers of the browser take their time, and so do those of the frameworks. */
const warmUp = { steps: 100, leastMs: 2_000, mostMs: 4_000 };
/** Odd, so that the median is a round's own number. */
const rounds = 7;
const turnMs = 400;
/** A turn of a slow one is a single step. */
const slowStepMs = 1_000;
const roundsOfSlow = 5;
/** Threads that wait for work go on looking for it for a while. */
const pauseMs = 50;

/** Of every framework that can, at least its fastest way; the fastest of all first. */
export const compete = async (workers: Workers, task: TaskName, say: Say): Promise<readonly Timed[]> => {
  const opened: RemoteTrainer[] = [];
  const open = async (framework: Framework) => {
    const trainer = await workers.open(framework);
    opened.push(trainer);
    return trainer;
  };
  try {
    const entrants: Entrant[] = [];
    for (const framework of frameworks)
      for (const variant of variantsOf(framework, workers.cores)) {
        const entrant = await enter(await open(framework), { task, framework, variant }, say);
        if (!entrant) continue;
        verify(task, entrant, entrants[0] ?? entrant);
        entrants.push(entrant);
      }
    const timed = await takeTurns(
      entrants.filter((one) => isChosen(one, entrants)),
      task,
      say,
    );
    return timed.toSorted((a, b) => a.ms - b.ms);
  } finally {
    for (const trainer of opened) await trainer.close();
  }
};

type Entrant = Timed & {
  readonly trainer: RemoteTrainer;
  /** Of the first steps. */
  readonly losses: readonly number[];
};

/** Undefined if it can't, and then it is said why. */
const enter = async (
  trainer: RemoteTrainer,
  { task, framework, variant }: { task: TaskName; framework: Framework; variant: string },
  say: Say,
): Promise<Entrant | undefined> => {
  try {
    await trainer.prepare(task, variant);
    return { framework, variant, trainer, ...(await firstSteps(trainer, unrollOf(task))) };
  } catch (cause) {
    if (framework === 'ours') throw cause;
    say(`${task}: ${framework} (${variant}) can't: ${firstLine(cause)}`);
    return undefined;
  }
};

/** Until it is warm: what its steps give, and about how long one takes. */
const firstSteps = async (trainer: RemoteTrainer, unroll: number) => {
  const { losses, ms } = await trainer.steps(Math.max(verifiedSteps, unroll));
  let steps = losses.length;
  let spent = ms;
  // The least of all runs: what came between the others says nothing of this way.
  let least = ms / steps;
  do {
    const run = await trainer.steps(unroll * Math.max(1, Math.floor(turnMs / least / unroll)));
    least = Math.min(least, perStep(run));
    steps += run.losses.length;
    spent += run.ms;
  } while (spent < warmUp.leastMs || (steps < warmUp.steps && spent < warmUp.mostMs));
  return { losses, ms: least };
};

const verify = (task: TaskName, { framework, variant, losses }: Entrant, expected: Entrant): void => {
  for (const [step, loss] of expected.losses.slice(0, verifiedSteps).entries()) {
    const found = losses[step] ?? Number.NaN;
    if (!(Math.abs(found - loss) <= tolerance * Math.abs(loss)))
      throw new Error(
        `${task}, ${framework} (${variant}): the loss of step ${step} is ${found}, and ours ${loss}`,
      );
  }
};

const isChosen = (one: Entrant, all: readonly Entrant[]): boolean =>
  one.variant === documentedVariant[one.framework] ||
  all.every((other) => other.framework !== one.framework || other.ms >= one.ms);

const takeTurns = async (
  entrants: readonly Entrant[],
  task: TaskName,
  say: Say,
): Promise<readonly Timed[]> => {
  const times = entrants.map((): number[] => []);
  const count = entrants.some(({ ms }) => ms > slowStepMs) ? roundsOfSlow : rounds;
  for (let round = 0; round < count; round++) {
    // Whoever comes first meets another machine than whoever comes last: each is first in turn.
    for (let turn = 0; turn < entrants.length; turn++) {
      const at = (round + turn) % entrants.length;
      const entrant = entrants[at];
      if (!entrant) continue;
      const run = await entrant.trainer.steps(stepsOfTurn(entrant, unrollOf(task)));
      if (!run.losses.every(Number.isFinite)) throw new Error(`${task}, ${entrant.framework}: it diverged`);
      times[at]?.push(perStep(run));
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
  return entrants.map(({ framework, variant }, at) => {
    const all = times[at] ?? [];
    const range = `${shown(Math.min(...all))} to ${shown(Math.max(...all))}`;
    say(`${task}: ${framework} (${variant}) ${shown(median(all))} ms a step, ${range} in ${count} rounds`);
    return { framework, variant, ms: median(all) };
  });
};

const stepsOfTurn = ({ ms }: Timed, unroll: number): number =>
  unroll * Math.max(1, Math.round(turnMs / ms / unroll));

const perStep = ({ ms, losses }: Run): number => ms / losses.length;
const shown = (ms: number): string => ms.toPrecision(3);
const firstLine = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause)).split('\n')[0] ?? '';
