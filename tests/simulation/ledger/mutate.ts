import { createCrew } from './crew.ts';
import { type Mutant, mutants } from './mutants.ts';
import { planLedger } from './plan.ts';

export type MutantResult = {
  readonly mutant: Mutant;
  /** The first history that shows it; undefined: none did. */
  readonly seed: number | undefined;
  readonly violation: string | undefined;
};

/** Builds the simulation over a source in which one thing is broken, and runs histories until one is not sound. */
export const tryMutant = async (mutant: Mutant, histories: number, first = 1): Promise<MutantResult> => {
  const crew = await createCrew(1, mutant);
  try {
    const { failures } = await crew.run({ seeds: seedsFor(mutant, histories, first), stopAtFirst: true });
    const [failure] = failures;
    return { mutant, seed: failure?.seed, violation: failure?.violations[0] };
  } finally {
    await crew.close();
  }
};

/** The first seeds of histories in which what is broken can matter. */
const seedsFor = ({ where }: Mutant, histories: number, first: number): readonly number[] => {
  const seeds: number[] = [];
  for (let seed = first; seeds.length < histories; seed++)
    if (!where || where(planLedger(seed))) seeds.push(seed);
  return seeds;
};

/** As many at once as there are threads. */
export const tryMutants = async (
  options: { readonly histories: number; readonly threads: number },
  print: (result: MutantResult) => void,
): Promise<{ readonly mutants: number; readonly mutants_caught: number }> => {
  const left = [...mutants];
  let caught = 0;
  const work = async () => {
    for (let mutant = left.shift(); mutant; mutant = left.shift()) {
      const result = await tryMutant(mutant, options.histories);
      if (result.seed !== undefined) caught += 1;
      print(result);
    }
  };
  await Promise.all(Array.from({ length: options.threads }, work));
  return { mutants: mutants.length, mutants_caught: caught };
};
