import { toHex } from '../../src/core/bytes.ts';
import { createSeededRandom } from '../simulation/random.ts';
import type { FuzzTarget } from './decoders.ts';
import { mutate } from './mutate.ts';

export type FuzzReport = {
  readonly inputs: number;
  readonly accepted: number;
  /** The inputs that made it throw, in hex, with what it threw. */
  readonly thrown: readonly string[];
};

const shownThrows = 5;

/** So many damaged messages at one decoder. The same seed makes the same inputs. */
export const fuzz = async (target: FuzzTarget, seed: number, inputs: number): Promise<FuzzReport> => {
  const random = createSeededRandom(seed).fork(target.name);
  const thrown: string[] = [];
  let accepted = 0;
  for (let done = 0; done < inputs; done++) {
    const bytes = (target.damage ?? mutate)(random.pick(target.valid), random);
    try {
      if (await target.decode(bytes)) accepted++;
    } catch (cause) {
      if (thrown.length < shownThrows) thrown.push(`${toHex(bytes)}: ${String(cause)}`);
    }
  }
  return { inputs, accepted, thrown };
};
