import { exactExp, exactLog, exactSinCos } from '../elementary.ts';
import type { DecoderSpec, RotaryScaling } from './spec.ts';
import { headSizeOf } from './spec.ts';

/** Row-major [positions, headSize / 2]. */
export type RotaryTable = {
  readonly cos: Float32Array;
  readonly sin: Float32Array;
  readonly dims: readonly [number, number];
};

/**
 * Cosine and sine of position × frequency, where frequency i is theta^(−2i / headSize) (Su et al. 2021, eq. 15). Each step
 * is rounded to float32, as transformers computes them: at large positions that differs from the exact angle, and it is what
 * published models were trained with. The same bits on every machine.
 */
export const rotaryTable = (
  spec: DecoderSpec,
  theta: number,
  scaling: RotaryScaling | undefined,
  positions: number,
): RotaryTable => {
  const half = headSizeOf(spec) / 2;
  const cos = new Float32Array(positions * half);
  const sin = new Float32Array(positions * half);
  for (let i = 0; i < half; i++) {
    const frequency = frequencyOf(i / half, theta, scaling);
    for (let position = 0; position < positions; position++) {
      const angle = exactSinCos(Math.fround(position * frequency));
      cos[position * half + i] = angle.cos;
      sin[position * half + i] = angle.sin;
    }
  }
  return { cos, sin, dims: [positions, half] };
};

const frequencyOf = (fraction: number, theta: number, scaling: RotaryScaling | undefined): number => {
  const plain = Math.fround(1 / Math.fround(exactExp(Math.fround(fraction) * exactLog(theta))));
  return scaling === undefined ? plain : Math.fround(scaled(plain, scaling));
};

/** `_compute_llama3_parameters` of transformers. */
const scaled = (frequency: number, scaling: RotaryScaling): number => {
  const { factor, lowFrequency, highFrequency, originalContext } = scaling;
  const turns = (originalContext * frequency) / (2 * Math.PI);
  if (turns > highFrequency) return frequency;
  if (turns < lowFrequency) return frequency / factor;
  const smooth = (turns - lowFrequency) / (highFrequency - lowFrequency);
  return ((1 - smooth) * frequency) / factor + smooth * frequency;
};
