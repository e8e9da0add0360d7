/**
 * The frameworks at one task. Each way to run each framework first shows that it computes the same; then every framework's
 * fastest way is timed, by turns, so that all meet the same machine.
 */
import { median } from '../suite.ts';
import { type TaskName, unrollOf } from './tasks.ts';
import { type Framework, type Run, variantsOf } from './trainer.ts';
import type { openWorkers, RemoteTrainer } from './workers.ts';

export type Workers = Awaited<ReturnType<typeof openWorkers>>;
export type Say = (text: string) => void;

/** Milliseconds of a step, and the way that was the fastest. */
export type Timed = { readonly ms: number; readonly variant: string };
export type Standing = Readonly<Partial<Record<Framework, Timed>>>;

const frameworks: readonly Framework[] = ['ours', 'jax', 'tfjs'];
const tolerance = 1e-3;
const verifiedSteps = 4;
const warmUp = { steps: 100, ms: 4_000 };
/** A way that is so much slower than another after the first steps isn't warmed up any more. */
const hopeless = 3;
/** Odd, so that the median is a round's own number. */
const rounds = 7;
const turnMs = 400;
/** A turn of a slow one is a single step. */
const slowStepMs = 1_000;
const roundsOfSlow = 5;
/** Threads that wait for work go on looking for it for a while. */
const pauseMs = 50;

export const compete = async (workers: Workers, task: TaskName, say: Say): Promise<Standing> => {
  const entrants: Entrant[] = [];
  let expected: readonly number[] | undefined;
  try {
    for (const framework of frameworks) {
      const best = await fastest(workers, task, framework, expected, say);
      if (!best) continue;
      entrants.push(best);
      expected ??= best.losses;
    }
    return await takeTurns(entrants, task, say);
  } finally {
    for (const { trainer } of entrants) await trainer.close();
  }
};

type Entrant = {
  readonly framework: Framework;
  readonly variant: string;
  readonly trainer: RemoteTrainer;
  /** Of the first steps. */
  readonly losses: readonly number[];
  /** Of a warm step, roughly. */
  readonly ms: number;
};

/** Undefined if it can't, and then it is said why. What computes something else is an error. */
const fastest = async (
  workers: Workers,
  task: TaskName,
  framework: Framework,
  expected: readonly number[] | undefined,
  say: Say,
): Promise<Entrant | undefined> => {
  let best: Entrant | undefined;
  for (const variant of variantsOf(framework, workers.cores)) {
    const trainer = await workers.open(framework);
    const tried = await attempt(trainer, task, variant, best?.ms).catch((cause: unknown) => {
      if (framework === 'ours') throw cause;
      say(`${task}: ${framework} (${variant}) can't: ${firstLine(cause)}`);
    });
    const reference = expected ?? best?.losses;
    if (tried && reference) verify(`${task}, ${framework} (${variant})`, tried.losses, reference);
    if (!tried || (best && best.ms <= tried.ms)) {
      await trainer.close();
      continue;
    }
    await best?.trainer.close();
    best = { framework, variant, trainer, ...tried };
  }
  return best;
};

const attempt = async (
  trainer: RemoteTrainer,
  task: TaskName,
  variant: string,
  best = Number.POSITIVE_INFINITY,
) => {
  await trainer.prepare(task, variant);
  const unroll = unrollOf(task);
  const first = await trainer.steps(Math.max(verifiedSteps, unroll));
  let ms = perStep(first);
  let spent = first.ms;
  for (let steps = first.losses.length; steps < warmUp.steps && spent < warmUp.ms; ) {
    if (ms > hopeless * best && ms > turnMs) break;
    const run = await trainer.steps(unroll === 1 ? (ms > 50 ? 2 : 20) : unroll);
    ms = perStep(run);
    spent += run.ms;
    steps += run.losses.length;
  }
  return { losses: first.losses, ms };
};

const verify = (who: string, losses: readonly number[], expected: readonly number[]): void => {
  for (const [step, loss] of expected.slice(0, verifiedSteps).entries()) {
    const found = losses[step] ?? Number.NaN;
    if (!(Math.abs(found - loss) <= tolerance * Math.abs(loss)))
      throw new Error(`${who}: the loss of step ${step} is ${found}, and ours ${loss}`);
  }
};

const takeTurns = async (entrants: readonly Entrant[], task: TaskName, say: Say): Promise<Standing> => {
  const times = new Map<Framework, number[]>(entrants.map(({ framework }) => [framework, []]));
  const count = entrants.some(({ ms }) => ms > slowStepMs) ? roundsOfSlow : rounds;
  for (let round = 0; round < count; round++) {
    // Whoever comes first meets another machine than whoever comes last: each is first in turn.
    for (let i = 0; i < entrants.length; i++) {
      const entrant = entrants[(round + i) % entrants.length];
      if (!entrant) continue;
      const run = await entrant.trainer.steps(stepsOfTurn(entrant, unrollOf(task)));
      if (!run.losses.every(Number.isFinite)) throw new Error(`${task}, ${entrant.framework}: it diverged`);
      times.get(entrant.framework)?.push(perStep(run));
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
  return Object.fromEntries(
    entrants.map(({ framework, variant }) => {
      const all = times.get(framework) ?? [];
      say(
        `${task}: ${framework} (${variant}) ${shown(median(all))} ms a step in the middle of ${count} rounds, ${shown(Math.min(...all))} to ${shown(Math.max(...all))}`,
      );
      return [framework, { ms: median(all), variant }];
    }),
  );
};

const stepsOfTurn = ({ ms }: Entrant, unroll: number): number =>
  unroll * Math.max(1, Math.round(turnMs / ms / unroll));

const perStep = ({ ms, losses }: Run): number => ms / losses.length;
const shown = (ms: number): string => ms.toPrecision(3);
const firstLine = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause)).split('\n')[0] ?? '';
