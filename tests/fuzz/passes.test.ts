import { describe, expect, it } from 'vitest';
import { createSeededRandom } from '../simulation/random.ts';
import { damaged, damagedModelSources, passes } from './damagedModels.ts';

const cases = 150;
const seed = 1;
const sources = await damagedModelSources();

describe.each(Object.entries(passes))('whatever model is given, %s', (name, pass) => {
  it(`ends with a value or a fault: ${cases} damaged models from seed ${seed}`, {
    timeout: 60_000,
  }, async () => {
    const random = createSeededRandom(seed).fork(name);
    const thrown: string[] = [];
    for (let done = 0; done < cases; done++) {
      const source = random.pick(sources);
      const model = damaged(source, random);
      try {
        await pass(model, source);
      } catch (cause) {
        thrown.push(
          `case ${done}: ${cause instanceof Error ? cause.stack?.split('\n').slice(0, 4).join(' ') : String(cause)}`,
        );
      }
    }
    expect(thrown).toEqual([]);
  });
});
